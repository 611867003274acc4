import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * What /proc tells, see proc(5). A process is known by its pid together with its start time and the boot, because
 * the kernel gives pids out again.
 */
export type ProcessIdentity = { pid: number; startTicks: number; bootId: string };

type Stat = {
  state: string;
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

/** What each of these process groups uses together; one walk over /proc for all of them. */
export function usageOf(groups: ReadonlySet<number>): Map<number, GroupUsage> {
  const usage = new Map<number, GroupUsage>();
  for (const pid of allPids()) {
    const stat = statOf(pid);
    if (!stat || !groups.has(stat.group) || stat.state === "Z") continue;
    const sum = usage.get(stat.group) ?? {
      cpuSeconds: 0,
      memoryBytes: 0,
      diskReadBytes: 0,
      diskWriteBytes: 0,
      pids: 0,
    };
    const disk = diskOf(pid);
    usage.set(stat.group, {
      cpuSeconds: sum.cpuSeconds + (stat.userTicks + stat.systemTicks) / ticksPerSecond,
      memoryBytes: sum.memoryBytes + stat.residentPages * pageBytes,
      diskReadBytes: sum.diskReadBytes + disk.read,
      diskWriteBytes: sum.diskWriteBytes + disk.written,
      pids: sum.pids + 1,
    });
  }
  return usage;
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
