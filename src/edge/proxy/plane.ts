import type { EdgeRoute } from "../port.ts";
import type { AddressList } from "./address-list.ts";
import type { Asked } from "./exchange.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { RouteTable } from "./route-table.ts";
import type { BackendRuntime } from "./runtime.ts";

/** A route with what is kept beside it while it is configured. */
export type PublicRoute = EdgeRoute & { limiter?: RateLimiter };

/** What the handling of a request needs of the data plane. */
export type Plane = {
  /** Until the first configuration is in force: its listeners may be open a moment before its routes are. */
  whenServing: Promise<void> | undefined;
  table: RouteTable<PublicRoute>;
  backends: Map<string, BackendRuntime>;
  trusted: AddressList;
  /** Target of the exchange that is just ending, for the access log. */
  lastTarget: string;
  nextRequestId(): string;
  /** Another worker must know that a client used one token of a route's limit. */
  onSpend(route: string, client: string): void;
  record(asked: Asked, status: number, backend: string): void;
  log(event: string, detail: Record<string, unknown>): void;
};

/** Where a connection came in. */
export type Entry = { kind: "public"; secure: boolean } | { kind: "internal"; backend: string };
