import { formatSeconds } from "../lib/duration.ts";
import { type ApprovalRule, waitingSince } from "../policy/approval.ts";
import type { ImageDigest } from "../rollout/ids.ts";

/** What a person was asked about one image, and what they said. */
export type UpdateApproval = {
  digest: ImageDigest;
  /** As it was when it was asked. */
  rule: ApprovalRule;
  askedAt: number;
  reminders: number;
  decision?: { kind: "approve" | "reject"; by: string; reason: string; at: number };
};

export type ApprovalState =
  | { kind: "free" }
  | { kind: "approved"; approval: UpdateApproval }
  /** `isNews`: just asked, or it is time for a reminder. */
  | { kind: "waiting"; approval: UpdateApproval; isNews: boolean }
  | { kind: "rejected"; approval: UpdateApproval; isNews: boolean };

/** Where an image stands with those who have to approve it; each image is asked about anew. */
export function askApproval(
  rule: ApprovalRule | undefined,
  known: UpdateApproval | undefined,
  { digest, now }: { digest: ImageDigest; now: number },
): ApprovalState {
  if (rule === undefined) return { kind: "free" };
  if (known?.digest !== digest)
    return { kind: "waiting", approval: { digest, rule, askedAt: now, reminders: 0 }, isNews: true };
  const { decision, askedAt, reminders } = known;
  if (decision?.kind === "approve") return { kind: "approved", approval: known };
  if (decision) return { kind: "rejected", approval: known, isNews: false };
  const waiting = waitingSince(known.rule, askedAt, now);
  if (waiting.kind === "waiting") {
    const approval = { ...known, reminders: waiting.reminders };
    return { kind: "waiting", approval, isNews: waiting.reminders > reminders };
  }
  const reason = `nobody approved it within ${formatSeconds(known.rule.timeoutMs / 1000)}`;
  const none = { kind: "reject", by: "roadstead", reason, at: now } as const;
  return { kind: "rejected", approval: { ...known, decision: none }, isNews: true };
}
