import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { placeCard } from "../src/study/leitner.ts";

const now = new Date("2026-05-15T12:00:00Z");
const hours = (due: Date) => (due.getTime() - now.getTime()) / 3_600_000;

describe("the Leitner boxes", () => {
  it("moves a known card up, to rest twice as long each time, and no further than the last box", () => {
    const path = [undefined, 2, 3, 4, 5, 6].map((box) => placeCard(box, true, now));
    assert.deepEqual(
      path.map(({ box, dueAt }) => [box, hours(dueAt)]),
      [
        [2, 24],
        [3, 48],
        [4, 96],
        [5, 192],
        [6, 384],
        [6, 384],
      ],
    );
  });

  it("sends a card that was not known back to the first box, due in a minute", () => {
    for (const box of [undefined, 1, 6]) {
      const placed = placeCard(box, false, now);
      assert.equal(placed.box, 1);
      assert.equal(hours(placed.dueAt), 1 / 60);
    }
  });
});
