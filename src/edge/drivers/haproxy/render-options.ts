import type { Listener } from "../../port.ts";
import type { Account } from "./account.ts";
import type { Layout } from "./layout.ts";

/** Lines of a haproxy.cfg. */
export type Lines = readonly string[];

export type RenderOptions = {
  layout: Layout;
  /** Connections the edge accepts at once. */
  maxConnections: number;
  /** Whether the edge may bind addresses that do not exist yet. */
  privileged: boolean;
  /** Whom the workers become; `undefined`: they stay who they are. */
  account: Account | undefined;
};

/** `transparent` lets the edge start although the address does not exist (yet). */
export function bindAddress(listener: Listener, options: RenderOptions): string {
  const host = listener.host.includes(":") ? `[${listener.host}]` : listener.host;
  const always = ["0.0.0.0", "::", "127.0.0.1", "::1", "*"].includes(listener.host);
  return `${host}:${listener.port}${always || !options.privileged ? "" : " transparent"}`;
}
