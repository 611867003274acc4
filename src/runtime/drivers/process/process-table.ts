import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * What /proc tells, see proc(5). A process is known by its pid together with its start time and the boot, because
 * the kernel gives pids out again.
 */
export type ProcessIdentity = { pid: number; startTicks: number; bootId: string };

type Stat = {
  state: string;
  parent: number;
  group: number;
  userTicks: number;
  systemTicks: number;
  startTicks: number;
  residentPages: number;
};

/** Ticks a second in /proc; fixed at 100 for user space on Linux (sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;
const pageBytes = 4096;

let bootIdCache: string | undefined;

export function bootId(): string {
  bootIdCache ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return bootIdCache;
}

/** The fields of /proc/<pid>/stat that we use; the program's name may hold spaces and brackets. */
export function parseStat(text: string): Stat | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const number = (index: number) => Number(fields[index - 3]);
  if (state === undefined || Number.isNaN(number(24))) return undefined;
  return {
    state,
    parent: number(4),
    group: number(5),
    userTicks: number(14),
    systemTicks: number(15),
    startTicks: number(22),
    residentPages: number(24),
  };
}

function statOf(pid: number): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // The process is gone: that is the answer.
    return undefined;
  }
}

/** Who runs under this pid now; `undefined` for nobody and, unless wanted, for a zombie. */
export function identify(pid: number, zombies?: "zombies too"): ProcessIdentity | undefined {
  const stat = statOf(pid);
  if (!stat || (zombies === undefined && (stat.state === "Z" || stat.state === "X"))) return undefined;
  return { pid, startTicks: stat.startTicks, bootId: bootId() };
}

export function isAlive(identity: ProcessIdentity): boolean {
  const now = identity.bootId === bootId() ? identify(identity.pid) : undefined;
  return now !== undefined && now.startTicks === identity.startTicks;
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/**
 * Processes that carry this variable with this value from their start, or write to this file; zombies left out. Two
 * marks, because some servers overwrite their environment with their title and some programs redirect their output.
 */
export function findByMark(variable: string, value: string, output?: string): number[] {
  const wanted = `${variable}=${value}`;
  return allPids().filter((pid) => {
    try {
      if (readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(wanted)) return true;
      return output !== undefined && readlinkSync(`/proc/${pid}/fd/1`) === output;
    } catch {
      return false;
    }
  });
}

/**
 * Whether a group number still means the group that this process led: the kernel gives no pid out again while a
 * group of that number has members, so it does unless somebody else has the pid.
 */
export function leadsGroup(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const now = identify(identity.pid, "zombies too");
  return now === undefined || now.startTicks === identity.startTicks;
}

export type GroupUsage = {
  cpuSeconds: number;
  memoryBytes: number;
  diskReadBytes: number;
  diskWriteBytes: number;
  pids: number;
};

/** What these processes use, each together with its group and its descendants; one walk over /proc for all of them. */
export function usageOf(leaders: ReadonlySet<number>): Map<number, GroupUsage> {
  const stats = new Map<number, Stat>();
  for (const pid of allPids()) {
    const stat = statOf(pid);
    if (stat && stat.state !== "Z") stats.set(pid, stat);
  }
  const usage = new Map<number, GroupUsage>();
  for (const [pid, stat] of stats) {
    const leader = leaderOf(pid, stats, leaders);
    if (leader === undefined) continue;
    const sum = usage.get(leader);
    const disk = diskOf(pid);
    usage.set(leader, {
      cpuSeconds: (sum?.cpuSeconds ?? 0) + (stat.userTicks + stat.systemTicks) / ticksPerSecond,
      memoryBytes: (sum?.memoryBytes ?? 0) + stat.residentPages * pageBytes,
      diskReadBytes: (sum?.diskReadBytes ?? 0) + disk.read,
      diskWriteBytes: (sum?.diskWriteBytes ?? 0) + disk.written,
      pids: (sum?.pids ?? 0) + 1,
    });
  }
  return usage;
}

/** PostgreSQL's backends leave the group of their server, so the parents count as well. */
function leaderOf(
  pid: number,
  stats: ReadonlyMap<number, Stat>,
  leaders: ReadonlySet<number>,
): number | undefined {
  let at = pid;
  for (let stat = stats.get(at); stat; stat = stats.get(at)) {
    if (leaders.has(at)) return at;
    if (leaders.has(stat.group)) return stat.group;
    at = stat.parent;
  }
  return undefined;
}

function diskOf(pid: number): { read: number; written: number } {
  try {
    const text = readFileSync(`/proc/${pid}/io`, "utf8");
    return {
      read: Number(/^read_bytes: (\d+)/m.exec(text)?.[1] ?? 0),
      written: Number(/^write_bytes: (\d+)/m.exec(text)?.[1] ?? 0),
    };
  } catch {
    return { read: 0, written: 0 };
  }
}
