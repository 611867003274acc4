import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { messageOf } from "../../lib/platform-error.ts";
import { lifeOf } from "../../lib/process-life.ts";

export type ProcessInfo = { pid: number; argv: readonly string[] };

/** True while the process exists (also when it belongs to somebody else); a dead one that waits for its parent does not. */
export function isAlive(pid: number): boolean {
  if (process.platform === "linux") return lifeOf(pid) !== "gone";
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return messageOf(error).includes("EPERM");
  }
}

/** Running processes with their arguments, from /proc; empty where there is none (macOS). */
export function listProcesses(): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const entry of readFolder("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const argv = readText(`/proc/${entry}/cmdline`)
      .split("\0")
      .filter((word) => word !== "");
    if (argv.length > 0) found.push({ pid: Number(entry), argv });
  }
  return found;
}

/** Who listens on a TCP port, as far as this user may see it. */
export function listenerOf(port: number): ProcessInfo | undefined {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  return listProcesses().find(({ pid }) =>
    readFolder(`/proc/${pid}/fd`).some((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`));
      return match?.[1] !== undefined && inodes.has(match[1]);
    }),
  );
}

/** `nginx (pid 812)`. */
export function describeProcess(info: ProcessInfo): string {
  const name = (info.argv[0] ?? "?").split("/").at(-1);
  const script = info.argv.slice(1).find((word) => /\.[cm]?[jt]s$/.test(word));
  return `${name}${script === undefined ? "" : ` ${script.split("/").at(-1)}`} (pid ${info.pid})`;
}

/** Columns of /proc/net/tcp: local address as hex `ADDRESS:PORT`, state (0A is LISTEN), … inode in the tenth. */
function listeningInodes(port: number): Set<string> {
  const inodes = new Set<string>();
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readText(table).split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(`:${wanted}`) && columns[3] === "0A" && columns[9]) inodes.add(columns[9]);
    }
  }
  return inodes;
}

// Processes come and go, and others' folders are closed to us: what can't be read is not there.
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
