import { readdirSync, readFileSync } from "node:fs";
import type { ReferenceStack } from "./reference-stacks.ts";
import type { Outcome, Roadstead } from "./roadstead.ts";

export type Row = {
  stack: string;
  urls: readonly string[];
  /** `healthy`, `not deployed`, or what is wrong with which service. */
  state: string;
  memoryMegabytes: number;
  /** Sum of the limits that its services declare, if all do. */
  limitMegabytes?: number;
  /** Why it could not be deployed, in Roadstead's words. */
  missing: readonly string[];
};

type Status = {
  stacks: {
    scope: { stack: string };
    services: { name: string; state: string; urls: string[]; strategy: string }[];
  }[];
};
type Stats = { replicas: { memoryBytes: number; memoryLimitBytes?: number }[] };

/** What runs of the stacks, and what the outcome of a failed deployment said. */
export async function survey(
  roadstead: Roadstead,
  stacks: readonly ReferenceStack[],
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<Row[]> {
  const { stacks: running } = await roadstead.json<Status>(["status"]);
  const rows: Row[] = [];
  for (const { name } of stacks) {
    const outcome = outcomes.get(name);
    const missing = outcome && outcome.exitCode !== 0 ? reasons(outcome) : [];
    const status = running.find(({ scope }) => scope.stack === name);
    if (!status || status.services.length === 0) {
      rows.push({ stack: name, urls: [], state: "not deployed", memoryMegabytes: 0, missing });
      continue;
    }
    const { replicas } = await roadstead.json<Stats>(["stats", "--no-stream", "--stack", name]);
    const limits = replicas.map(({ memoryLimitBytes }) => memoryLimitBytes);
    const unwell = status.services.filter(({ state }) => state !== "healthy" && state !== "completed");
    rows.push({
      stack: name,
      urls: [...new Set(status.services.flatMap(({ urls }) => urls))],
      state: unwell.map((service) => `${service.name} ${service.state}`).join(", ") || "healthy",
      memoryMegabytes: megabytes(replicas.map(({ memoryBytes }) => memoryBytes)),
      ...(limits.every((limit) => limit !== undefined) ? { limitMegabytes: megabytes(limits) } : {}),
      missing,
    });
  }
  return rows;
}

/** The lines that say why: errors of the file, or the verdict's `why`, last lines and hint. */
function reasons({ stdout, stderr }: Outcome): string[] {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
  const telling = lines.filter((line) => /^(error|why|hint|fix:)/.test(line));
  return [...new Set(telling)].slice(0, 8);
}

/** Resident memory of the platform's own processes: all whose arguments name this home, and their children. */
export function platformMegabytes(home: string): number {
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? describe(name) : []));
  const own = new Set(all.filter(({ argv }) => isPlatform(argv, home)).map(({ pid }) => pid));
  for (let grown = -1; grown !== own.size; ) {
    grown = own.size;
    for (const { pid, parent, argv } of all)
      if (own.has(parent) && argv.some((word) => /haproxy|bin\/edge/.test(word))) own.add(pid);
  }
  return megabytes(all.filter(({ pid }) => own.has(pid)).map(({ residentBytes }) => residentBytes));
}

function isPlatform(argv: readonly string[], home: string): boolean {
  const ofHome = argv.some((word) => word === home || word.startsWith(`${home}/edge`));
  return ofHome && argv.some((word) => /bin\/(control-plane|edge)\.ts$|haproxy/.test(word));
}

type Process = { pid: number; parent: number; argv: string[]; residentBytes: number };

function describe(name: string): Process[] {
  try {
    const status = readFileSync(`/proc/${name}/status`, "utf8");
    const field = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
    return [{ pid: Number(name), parent: field("PPid"), argv, residentBytes: field("VmRSS") * 1024 }];
  } catch {
    // It ended between the two readings.
    return [];
  }
}

function megabytes(bytes: readonly (number | undefined)[]): number {
  return Math.round(bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0) / 1e6);
}
