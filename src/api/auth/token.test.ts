import { describe, expect, it } from "vitest";
import { countingIds } from "../../lib/ids.ts";
import { ManualClock } from "../../lib/manual-clock.ts";
import { createMemoryStore } from "../../store/drivers/memory.ts";
import { ensureFirstToken, findToken } from "./token.ts";

describe("the first token", () => {
  it("is made at the first start only, works, and is kept as a hash", () => {
    const store = createMemoryStore();
    const seen: string[] = [];
    const create = store.tokens.create;
    store.tokens.create = (token) => {
      seen.push(JSON.stringify(token));
      create(token);
    };
    const first = ensureFirstToken(store, countingIds(), new ManualClock());
    expect(first).toMatch(/^road_[A-Za-z0-9_-]{43}$/);
    expect(findToken(store, first ?? "")?.name).toBe("first");
    expect(findToken(store, `${first}x`)).toBeUndefined();
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toContain(first);
    expect(ensureFirstToken(store, countingIds(), new ManualClock())).toBeUndefined();
    expect(store.audit.list(10).map((entry) => entry.action)).toEqual(["token.create"]);
  });
});
