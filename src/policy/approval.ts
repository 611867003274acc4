/** Who may let a run go on, and how long it waits for that. */
export type ApprovalRule = {
  /** Empty: everybody. */
  approvers: readonly string[];
  /** Not by who pushed or wrote it. */
  fourEyes: boolean;
  timeoutMs: number;
  remindEveryMs: number;
};

export type Decision = {
  kind: "approve" | "reject";
  by: string;
  /** Other names of the same person, such as that of their commits: they make a change one's own, never an approver. */
  aliases?: readonly string[];
};

/** Why this decision does not count; undefined: it does. Whoever brought a change may always take it back. */
export function refusalOf(
  rule: ApprovalRule,
  { kind, by, aliases = [] }: Decision,
  run: { requestedBy: string; author: string },
): string | undefined {
  const names = [by, ...aliases];
  const own = names.includes(run.requestedBy) || names.includes(run.author);
  if (kind === "reject" && own) return undefined;
  if (rule.approvers.length > 0 && !rule.approvers.includes(by))
    return `${by} is not among the approvers (${rule.approvers.join(", ")})`;
  if (kind === "approve" && rule.fourEyes && own)
    return `${by} brought this change; somebody else has to approve it`;
  return undefined;
}

export type Waiting =
  | { kind: "timedOut" }
  /** `reminders`: how many are due by now. */
  | { kind: "waiting"; reminders: number; againMs: number };

/** What a wait that began then has come to now. */
export function waitingSince(rule: ApprovalRule, askedAt: number, now: number): Waiting {
  const waited = now - askedAt;
  if (waited >= rule.timeoutMs) return { kind: "timedOut" };
  const reminders = Math.floor(waited / rule.remindEveryMs);
  const nextReminder = (reminders + 1) * rule.remindEveryMs - waited;
  return { kind: "waiting", reminders, againMs: Math.min(nextReminder, rule.timeoutMs - waited) };
}
