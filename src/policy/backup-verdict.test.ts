import { describe, expect, it } from "vitest";
import type { Manifest } from "./backup-manifest.ts";
import { judgeBackup } from "./backup-verdict.ts";

function manifest(parts: Record<string, number>, schema = "a"): Manifest {
  return {
    engine: "postgres 16",
    takenAt: 0,
    sizeBytes: 1,
    schema,
    parts: Object.entries(parts).map(([name, rows]) => ({ name, rows })),
  };
}

describe("the verdict on a snapshot (R-143, R-145)", () => {
  const full = manifest({ users: 1000, orders: 400, settings: 3 });

  it("verifies what was restored whole", () => {
    expect(judgeBackup({ source: full, restored: full, before: full })).toEqual({
      verdict: "verified",
      reasons: [],
    });
  });

  it.each([
    ["a table is missing", manifest({ users: 1000, settings: 3 }), /orders is missing/],
    [
      "rows are missing",
      manifest({ users: 1000, orders: 240, settings: 3 }),
      /orders has 240 rows instead of 400/,
    ],
    ["the structure differs", manifest({ users: 1000, orders: 400, settings: 3 }, "b"), /structure/],
    ["something was not there", manifest({ users: 1000, orders: 400, settings: 3, x: 1 }), /x was not there/],
  ])("fails when in the restored copy %s", (_name, restored, reason) => {
    const { verdict, reasons } = judgeBackup({ source: full, restored });
    expect(verdict).toBe("failed");
    expect(reasons.join()).toMatch(reason);
  });

  it("fails when it cannot be restored, or an own question says no", () => {
    expect(judgeBackup({ source: full, restored: { error: "unexpected end of file" } })).toEqual({
      verdict: "failed",
      reasons: ["it could not be restored: unexpected end of file"],
    });
    const checks = [{ check: "admins", ok: false, detail: "0 of at least 1" }];
    expect(judgeBackup({ source: full, restored: full, checks }).verdict).toBe("failed");
  });

  it.each([
    ["every table was dropped", manifest({}), /nothing is left of 3 parts with 1403 rows/],
    ["every table was emptied", manifest({ users: 0, orders: 0, settings: 0 }), /it is empty/],
    [
      "one table was emptied",
      manifest({ users: 1000, orders: 0, settings: 3 }),
      /orders shrank from 400 to 0/,
    ],
    ["one table was dropped", manifest({ users: 1000, settings: 3 }, "b"), /orders with 400 rows is gone/],
  ])("suspects when %s since the last verified one, however well it restores", (_name, now, reason) => {
    const { verdict, reasons } = judgeBackup({ source: now, restored: now, before: full });
    expect(verdict).toBe("suspect");
    expect(reasons.join()).toMatch(reason);
  });

  it("does not suspect growth, ordinary shrinking, or small tables", () => {
    for (const now of [
      manifest({ users: 2000, orders: 500, settings: 3, added: 1 }, "b"),
      manifest({ users: 700, orders: 300, settings: 0 }),
    ]) {
      expect(judgeBackup({ source: now, restored: now, before: full }).verdict).toBe("verified");
    }
    const empty = manifest({});
    expect(judgeBackup({ source: empty, restored: empty }).verdict).toBe("verified");
  });
});
