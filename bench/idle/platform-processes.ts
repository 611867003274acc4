import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A process of the platform itself, not of a service. */
export type PlatformProcess = { pid: number; part: "control plane" | "edge" };

/** Clock ticks a second in /proc/<pid>/stat: fixed at 100 for user programs on Linux (man 5 proc, USER_HZ). */
const ticksPerSecond = 100;

/** The control plane of this home by its pid file, and the edge's processes by the home in their arguments, children included. */
export function platformProcesses(home: string): PlatformProcess[] {
  const { pid: control } = JSON.parse(readFileSync(join(home, "control-plane.pid"), "utf8")) as {
    pid: number;
  };
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? describe(Number(name)) : []));
  const edges = new Set(
    all.filter(({ pid, argv }) => pid !== control && isEdge(argv, home)).map(({ pid }) => pid),
  );
  for (let grown = -1; grown !== edges.size; ) {
    grown = edges.size;
    for (const { pid, parent } of all) if (edges.has(parent)) edges.add(pid);
  }
  return [
    { pid: control, part: "control plane" },
    ...[...edges].map((pid): PlatformProcess => ({ pid, part: "edge" })),
  ];
}

function isEdge(argv: readonly string[], home: string): boolean {
  return argv.some((word) => word === home || word.startsWith(`${home}/edge`)) && !argv.includes("down");
}

function describe(pid: number): { pid: number; parent: number; argv: string[] }[] {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return [{ pid, parent: Number(statOf(pid)[1]), argv }];
  } catch {
    // It ended between the two readings.
    return [];
  }
}

/** Fields of /proc/<pid>/stat from the third on; the second may hold spaces. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** CPU seconds that a process has used: utime + stime, fields 14 and 15 of stat. */
export function cpuSeconds(pid: number): number {
  const stat = statOf(pid);
  return (Number(stat[11]) + Number(stat[12])) / ticksPerSecond;
}

/** Resident memory in MB (10^6 bytes): VmRSS, and VmHWM for the most it ever was. */
export function residentMegabytes(pid: number, field: "VmRSS" | "VmHWM" = "VmRSS"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return (kibibytes * 1024) / 1e6;
}
