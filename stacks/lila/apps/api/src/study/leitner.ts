const minute = 60_000;
const day = 24 * 60 * minute;
/** How long a card of each box rests. A card that was not known goes back to the first. */
const rests = [minute, day, 2 * day, 4 * day, 8 * day, 16 * day] as const;

export type Placement = { box: number; dueAt: Date };

/** The Leitner system: what is known moves up one box and comes back later. A new card that is known starts in box 2. */
export function placeCard(box: number | undefined, known: boolean, now: Date): Placement {
  const next = known ? Math.min((box ?? 1) + 1, rests.length) : 1;
  return { box: next, dueAt: new Date(now.getTime() + (rests[next - 1] ?? minute)) };
}
