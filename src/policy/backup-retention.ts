/** How many snapshots stay: the newest of each of the last so many hours, days, weeks and months that have one. */
export type KeepRules = {
  last?: number;
  hourly?: number;
  daily?: number;
  weekly?: number;
  monthly?: number;
};

/** Seven days, and some weeks and months beyond them. */
export const defaultKeep: KeepRules = { last: 3, daily: 7, weekly: 4, monthly: 3 };

export type RetainedSnapshot = {
  id: string;
  /** Epoch ms of the moment that it shows. */
  takenAt: number;
  verdict: "verified" | "suspect" | "failed" | "unverified";
  /** Named by a person, or the point before a migration or a restore: stays until released. */
  pinned?: boolean;
};

export type Retention = { id: string; keep: boolean; reason: string };

/**
 * What of one source's snapshots stays and why. Never goes: the last verified one, a pinned one, and nothing at
 * all while the newest is suspect or failed: then the older ones may be all that is left.
 */
export function retainSnapshots(snapshots: readonly RetainedSnapshot[], rules: KeepRules): Retention[] {
  const newestFirst = [...snapshots].sort((a, b) => b.takenAt - a.takenAt || (a.id < b.id ? 1 : -1));
  const newest = newestFirst[0];
  if (newest && newest.verdict !== "verified")
    return newestFirst.map(({ id }) => ({ id, keep: true, reason: `the newest is ${newest.verdict}` }));
  const reasons = new Map<string, string>();
  const keep = (id: string, reason: string) => {
    if (!reasons.has(id)) reasons.set(id, reason);
  };
  const good = newestFirst.filter(({ verdict }) => verdict === "verified");
  if (good[0]) keep(good[0].id, "last verified");
  for (const { id, pinned } of newestFirst) if (pinned) keep(id, "pinned");
  for (const { id } of good.slice(0, rules.last ?? 0)) keep(id, "last");
  for (const [name, count, bucket] of buckets(rules)) {
    const seen = new Set<string>();
    for (const snapshot of good) {
      const key = bucket(snapshot.takenAt);
      if (seen.has(key)) continue;
      if (seen.size >= count) break;
      seen.add(key);
      keep(snapshot.id, name);
    }
  }
  return newestFirst.map(({ id }) => {
    const reason = reasons.get(id);
    return { id, keep: reason !== undefined, reason: reason ?? "past its retention" };
  });
}

function buckets(rules: KeepRules): [string, number, (at: number) => string][] {
  return [
    ["hourly", rules.hourly ?? 0, (at) => iso(at).slice(0, 13)],
    ["daily", rules.daily ?? 0, (at) => iso(at).slice(0, 10)],
    ["weekly", rules.weekly ?? 0, (at) => String(Math.floor((at / dayMs + daysFromMonday) / 7))],
    ["monthly", rules.monthly ?? 0, (at) => iso(at).slice(0, 7)],
  ];
}

const dayMs = 86_400_000;
/** 1 January 1970 was a Thursday. */
const daysFromMonday = 3;

function iso(at: number): string {
  return new Date(at).toISOString();
}
