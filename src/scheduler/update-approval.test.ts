import { describe, expect, it } from "vitest";
import type { ImageDigest } from "../rollout/ids.ts";
import { askApproval, type UpdateApproval } from "./update-approval.ts";

const digest = "sha256:b" as ImageDigest;
const hour = 3_600_000;
const rule = { approvers: [], fourEyes: false, timeoutMs: 24 * hour, remindEveryMs: 4 * hour };
const asked: UpdateApproval = { digest, rule, askedAt: 0, reminders: 0 };

describe("what is asked about a newer image (R-295)", () => {
  it("asks nobody where nobody has to be asked", () => {
    expect(askApproval(undefined, asked, { digest, now: 1 })).toEqual({ kind: "free" });
  });

  it("asks about each image once, and reminds", () => {
    expect(askApproval(rule, undefined, { digest, now: 7 })).toMatchObject({
      isNews: true,
      approval: { askedAt: 7 },
    });
    expect(askApproval(rule, asked, { digest, now: hour })).toMatchObject({ kind: "waiting", isNews: false });
    const reminded = askApproval(rule, asked, { digest, now: 5 * hour });
    expect(reminded).toMatchObject({ kind: "waiting", isNews: true, approval: { reminders: 1 } });
    const other = "sha256:c" as ImageDigest;
    expect(askApproval(rule, asked, { digest: other, now: hour })).toMatchObject({ isNews: true });
  });

  it("takes silence for a no when the time is up", () => {
    const over = askApproval(rule, asked, { digest, now: 24 * hour });
    expect(over).toMatchObject({
      kind: "rejected",
      isNews: true,
      approval: { decision: { by: "roadstead" } },
    });
    const known = over.kind === "rejected" ? over.approval : undefined;
    expect(askApproval(rule, known, { digest, now: 25 * hour })).toMatchObject({
      kind: "rejected",
      isNews: false,
    });
  });
});
