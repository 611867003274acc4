import type { AlertSubject } from "./alert-rule.ts";
import { nextOpening, type WeeklyWindow } from "./freeze.ts";

/** Somebody wants not to be told, until a time and for a reason. What is absent matches everything. */
export type Silence = {
  id: string;
  stack?: string;
  environment?: string;
  service?: string;
  rule?: string;
  until: number;
  reason: string;
  by: string;
  at: number;
};

export type Quiet = { why: string; until?: number };

/** Why nobody is told of this alert now; undefined: they are. It is evaluated and shown all the same. */
export function quietedBy(
  alert: { rule: string; subject: AlertSubject },
  { silences, windows }: { silences: readonly Silence[]; windows: readonly WeeklyWindow[] },
  now: number,
): Quiet | undefined {
  const silence = silences.find((one) => now < one.until && matches(one, alert));
  if (silence) return { why: `silenced by ${silence.by}: ${silence.reason}`, until: silence.until };
  const isOpen = windows.length > 0 && nextOpening(windows, now) === undefined;
  return isOpen ? { why: "maintenance window" } : undefined;
}

export function matches(
  silence: Pick<Silence, "stack" | "environment" | "service" | "rule">,
  { rule, subject }: { rule: string; subject: AlertSubject },
): boolean {
  const [stack, environment] = subject.scope?.split("/") ?? [];
  return (
    fits(silence.stack, stack) &&
    fits(silence.environment, environment) &&
    fits(silence.service, subject.service) &&
    fits(silence.rule, rule)
  );
}

function fits(wanted: string | undefined, is: string | undefined): boolean {
  return wanted === undefined || wanted === is;
}
