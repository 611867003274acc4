import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** The account HAProxy's workers run as when root starts them. */
export type Account = { name: string; user: number; group: number };

/** Debian's package makes it. A shared one like `nobody` would open the edge's sockets to other programs. */
const accountName = "haproxy";

/**
 * Whom the workers become once they have bound their ports. `undefined`, so they stay who they are: not started by
 * root, no such account, or it could not reach the edge's sockets because a folder above them is closed to others.
 */
export function workerAccount(folder: string, passwords = "/etc/passwd"): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const account = parseAccount(readText(passwords), accountName);
  return account && reachable(dirname(folder)) ? account : undefined;
}

/** Finds an account in the text of passwd(5). */
export function parseAccount(text: string, name: string): Account | undefined {
  for (const line of text.split("\n")) {
    const [found, , user, group] = line.split(":");
    if (found === name && Number(user) > 0) return { name, user: Number(user), group: Number(group) };
  }
  return undefined;
}

/** Whether anybody may pass through a folder and those above it. */
function reachable(folder: string): boolean {
  const open = ((statSync(folder, { throwIfNoEntry: false })?.mode ?? 0o001) & 0o001) !== 0;
  return open && (dirname(folder) === folder || reachable(dirname(folder)));
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
