import { describe, expect, it } from "vitest";
import { type ApprovalRule, refusalOf, waitingSince } from "./approval.ts";

const hour = 3_600_000;
const rule: ApprovalRule = {
  approvers: ["ada", "grace"],
  fourEyes: true,
  timeoutMs: 24 * hour,
  remindEveryMs: 4 * hour,
};
const run = { requestedBy: "ada", author: "Ada Lovelace" };

describe("approval (R-071)", () => {
  it("takes only the named approvers", () => {
    expect(refusalOf(rule, { kind: "approve", by: "grace" }, run)).toBeUndefined();
    expect(refusalOf(rule, { kind: "approve", by: "eve" }, run)).toContain("not among the approvers");
    expect(refusalOf(rule, { kind: "reject", by: "eve" }, run)).toContain("not among the approvers");
    expect(refusalOf({ ...rule, approvers: [] }, { kind: "approve", by: "eve" }, run)).toBeUndefined();
  });

  it("wants a second pair of eyes for a yes, not for a no", () => {
    expect(refusalOf(rule, { kind: "approve", by: "ada" }, run)).toContain("somebody else");
    expect(refusalOf(rule, { kind: "reject", by: "ada" }, run)).toBeUndefined();
    const known = { by: "ada@example.com", aliases: ["ada"] };
    expect(refusalOf({ ...rule, approvers: [] }, { kind: "approve", ...known }, run)).toContain(
      "somebody else",
    );
    expect(refusalOf({ ...rule, fourEyes: false }, { kind: "approve", by: "ada" }, run)).toBeUndefined();
    const byAuthor = { requestedBy: "ci", author: "grace" };
    expect(refusalOf(rule, { kind: "approve", by: "grace" }, byAuthor)).toContain("somebody else");
  });

  it("reminds at each set time and ends at the last (R-295)", () => {
    const at = (waited: number) => waitingSince(rule, 0, waited);
    expect(at(0)).toEqual({ kind: "waiting", reminders: 0, againMs: 4 * hour });
    expect(at(4 * hour - 1)).toEqual({ kind: "waiting", reminders: 0, againMs: 1 });
    expect(at(9 * hour)).toEqual({ kind: "waiting", reminders: 2, againMs: 3 * hour });
    expect(at(23 * hour)).toEqual({ kind: "waiting", reminders: 5, againMs: hour });
    expect(at(24 * hour)).toEqual({ kind: "timedOut" });
  });
});
