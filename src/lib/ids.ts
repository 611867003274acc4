import { randomBytes } from "node:crypto";

/** Makes unique ids that sort by creation time: `<prefix>_<time in base 36><random>`. Injected, so tests can fix them. */
export interface Ids {
  next(prefix: string): string;
}

export function randomIds(now: () => number): Ids {
  return {
    next: (prefix) => `${prefix}_${now().toString(36).padStart(9, "0")}${randomBytes(5).toString("hex")}`,
  };
}

/** Counts up: for tests. */
export function countingIds(): Ids {
  let count = 0;
  return { next: (prefix) => `${prefix}_${String(++count).padStart(4, "0")}` };
}
