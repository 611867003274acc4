import { type AlertSeverity, rankOf } from "./alert-rule.ts";

export const newsKinds = [
  "deployment",
  "update",
  "backup",
  "approval",
  "incident",
  "alert",
  "access",
] as const;
export type NewsKind = (typeof newsKinds)[number];

/** What a channel wants to hear. */
export type Wish = {
  /** This severity and graver. */
  severity: AlertSeverity;
  /** Absent: all stacks, and what belongs to none. */
  stacks?: readonly string[];
  environments?: readonly string[];
  kinds?: readonly NewsKind[];
};

/** Whether news goes to a channel: by severity, by stack, by kind. What belongs to no stack goes to all. */
export function wants(
  wish: Wish,
  news: { kind: NewsKind; severity: AlertSeverity; scope?: { stack: string; environment: string } },
): boolean {
  if (rankOf(news.severity) < rankOf(wish.severity)) return false;
  if (wish.kinds && !wish.kinds.includes(news.kind)) return false;
  if (!news.scope) return true;
  return (
    (wish.stacks?.includes(news.scope.stack) ?? true) &&
    (wish.environments?.includes(news.scope.environment) ?? true)
  );
}

const waitsSeconds = [10, 30, 60, 300, 900, 1800, 3600];
/** After so long a message is history, not news. */
export const outboxLimitMs = 24 * 3600_000;

/** When a message that could not be delivered is tried again; undefined: it is given up. */
export function retryAt(
  { attempts, createdAt }: { attempts: number; createdAt: number },
  now: number,
  retryAfterSeconds = 0,
): number | undefined {
  const wait = Math.max(waitsSeconds[Math.min(attempts, waitsSeconds.length) - 1] ?? 10, retryAfterSeconds);
  const at = now + wait * 1000;
  return at > createdAt + outboxLimitMs ? undefined : at;
}

/** A first message waits so long for others of the same stack, so that one fault is one message. */
export function groupWaitMs(severity: AlertSeverity): number {
  return severity === "critical" ? 2_000 : 15_000;
}
