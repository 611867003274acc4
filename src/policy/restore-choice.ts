/** A backup that could be restored, as the choice looks at it. */
export type Restorable = {
  id: string;
  snapshot: string;
  takenAt: number;
  verdict: "verified" | "suspect" | "failed" | "unverified";
};

/** What is asked for; nothing: the newest verified one. */
export type RestoreWish = {
  /** Id of a backup, or of its snapshot: taken whatever its verdict. */
  snapshot?: string;
  /** The day as `2026-11-20`: the newest verified one of it. */
  date?: string;
  /** Epoch ms: the newest verified one that was taken by then. */
  at?: number;
};

export type RestoreChoice<T> =
  | { ok: true; chosen: T }
  | { ok: false; reason: string; available: readonly T[] };

/** Which backup a wish means. A wrong date or id answers what there is instead. */
export function chooseRestorable<T extends Restorable>(
  backups: readonly T[],
  wish: RestoreWish,
  timeZone: string,
): RestoreChoice<T> {
  const newest = [...backups].sort((a, b) => b.takenAt - a.takenAt);
  const good = newest.filter(({ verdict }) => verdict === "verified");
  const { snapshot, date, at } = wish;
  if (snapshot !== undefined) {
    const found = newest.find((one) => one.id === snapshot || one.snapshot.startsWith(snapshot));
    return answer(found, `there is no backup ${snapshot}`, newest);
  }
  if (date !== undefined) {
    const found = good.find(({ takenAt }) => dayOf(takenAt, timeZone) === date);
    return answer(found, `there is no verified backup of ${date}`, good);
  }
  if (at !== undefined) {
    const found = good.find(({ takenAt }) => takenAt <= at);
    return answer(found, `there is no verified backup from before ${new Date(at).toISOString()}`, good);
  }
  return answer(good[0], "there is no verified backup", newest);
}

function answer<T>(found: T | undefined, reason: string, available: readonly T[]): RestoreChoice<T> {
  return found === undefined ? { ok: false, reason, available } : { ok: true, chosen: found };
}

/** `2026-11-20`, where people live who ask for it. */
export function dayOf(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(at);
}
