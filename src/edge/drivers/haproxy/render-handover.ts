import type { Account } from "./account.ts";
import type { Layout } from "./layout.ts";
import type { Lines } from "./render-options.ts";

/**
 * After a reload the old worker keeps its open connections for a while, with the configuration of the past, and
 * HAProxy lets nobody change its servers any more. So it serves nothing itself: it hands every further request to its
 * successor over a unix socket, with the client's address, and closes the connection after the answer.
 */
export type Handover = { name: string; socket: string };

export function handoverOf(layout: Layout, name: string): Handover {
  return { name: `next_${name}`, socket: `${layout.handoverSocket}.${name}` };
}

/** Lines of the frontend that takes over. The old worker, which connects, has given up root's rights. */
export function handoverBind({ name, socket }: Handover, account: Account | undefined): string {
  const owner = account ? ` uid ${account.user}` : "";
  return `  bind unix@${socket}${owner} mode 600 accept-proxy name ${name}`;
}

/** The old worker's way out. */
export function handoverBackend({ name, socket }: Handover): Lines {
  return [`backend ${name} from http`, `  server next unix@${socket} send-proxy-v2`, ""];
}

/** The first rules of a frontend whose requests are handed over. */
export const handoverRule = "  http-request allow if { stopping }";
