import { readFileSync } from "node:fs";

/** Sockets, maps, logs and the inheritance of sockets at a reload. */
const reserve = 1_000;

/**
 * Connections the limit on open files allows: each takes two, one to the client and one to the target. HAProxy
 * refuses to start with a number it cannot keep.
 */
export function affordableConnections(): number {
  let limits = "";
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return 1_000;
  }
  const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.max(100, Math.floor((hard - reserve) / 2));
}
