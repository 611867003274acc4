import type { Clock } from "../lib/clock.ts";
import type { ApprovalRule } from "../policy/approval.ts";
import type { Engine } from "../reconciler/engine.ts";
import type { EngineParts } from "../reconciler/parts.ts";
import type { Registry } from "../registry/port.ts";
import type { ImageDigest, Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";

/** What the scheduler works with. `bin` builds it from real drivers, tests from the memory ones. */
export type SchedulerParts = {
  store: Store;
  engine: Pick<Engine, "deploy">;
  runtime: Runtime;
  registry: Registry;
  clock: Clock;
  resolve: EngineParts["resolve"];
  log: EngineParts["log"];
  /** Why nothing may be rolled out by itself there now. @default nothing stands against it */
  frozenBy?: (scope: Scope, now: number) => string | undefined;
  /** Who has to approve what is rolled out by itself there. @default nobody */
  approvalFor?: (scope: Scope) => ApprovalRule | undefined;
  /** Told of every end of an update, and of what keeps one from beginning. */
  onUpdate?: (event: UpdateEvent) => void;
};

/** One notification about one service. */
export type UpdateEvent = {
  /** `failed`: the image before serves; `held`: a freeze; `awaiting`: an approval; `rejected`: no approval; `unreachable`: the registry, three times in a row. */
  kind: "updated" | "failed" | "held" | "awaiting" | "rejected" | "refused" | "unreachable";
  scope: Scope;
  service: string;
  message: string;
  /** What served before. */
  from: ImageDigest;
  to?: ImageDigest;
};
