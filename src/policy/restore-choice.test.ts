import { describe, expect, it } from "vitest";
import { chooseRestorable, type Restorable } from "./restore-choice.ts";

const at = (text: string) => Date.parse(text);
const backups: Restorable[] = [
  { id: "backup_1", snapshot: "aaaa1111", takenAt: at("2026-11-19T23:30:00Z"), verdict: "verified" },
  { id: "backup_2", snapshot: "bbbb2222", takenAt: at("2026-11-20T03:00:00Z"), verdict: "verified" },
  { id: "backup_3", snapshot: "cccc3333", takenAt: at("2026-11-20T15:00:00Z"), verdict: "suspect" },
];
const chosen = (wish: Parameters<typeof chooseRestorable>[1], zone = "UTC") => {
  const choice = chooseRestorable(backups, wish, zone);
  return choice.ok ? choice.chosen.id : choice.reason;
};

describe("which backup is meant (R-142)", () => {
  it("is the newest verified one unless said otherwise: a suspect one only by its own name", () => {
    expect(chosen({})).toBe("backup_2");
    expect(chosen({ snapshot: "backup_3" })).toBe("backup_3");
    expect(chosen({ snapshot: "cccc" })).toBe("backup_3");
  });

  it("goes by the day where people live", () => {
    expect(chosen({ date: "2026-11-19" })).toBe("backup_1");
    expect(chosen({ date: "2026-11-20" }, "Europe/Berlin")).toBe("backup_2");
    expect(chosen({ date: "2026-11-19" }, "Europe/Berlin")).toBe("there is no verified backup of 2026-11-19");
  });

  it("never gives one from after the moment that was asked for", () => {
    expect(chosen({ at: at("2026-11-20T02:59:59Z") })).toBe("backup_1");
    expect(chosen({ at: at("2026-11-20T16:00:00Z") })).toBe("backup_2");
  });

  it("answers what there is when there is nothing of that day", () => {
    const choice = chooseRestorable(backups, { date: "2026-01-01" }, "UTC");
    expect(choice.ok ? [] : choice.available.map(({ id }) => id)).toEqual(["backup_2", "backup_1"]);
  });
});
