import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Notifiers } from "../notify/port.ts";
import type { Reading } from "../policy/alert-rule.ts";
import type { OwnRule, RuleSettings } from "../policy/alert-settings.ts";
import type { WeeklyWindow } from "../policy/freeze.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import type { Telemetry } from "../telemetry/port.ts";

/** What a stack's file says about its alerts. */
export type ScopeAlertSettings = {
  rules: Readonly<Record<string, RuleSettings>>;
  own: Readonly<Record<string, OwnRule>>;
  /** Nobody is told while one of them is open. */
  maintenance: readonly WeeklyWindow[];
};

/** What alerting is made of. `bin` builds it from real drivers, tests from the memory ones. */
export type AlertingParts = {
  store: Store;
  telemetry: Pick<Telemetry, "range">;
  notifiers: Notifiers;
  clock: Clock;
  ids: Ids;
  /** Of the release that serves a scope; asked once per release. */
  settingsOf: (scope: Scope) => ScopeAlertSettings | undefined;
  /** Takes the secrets of a stack out of what is told. */
  mask: (scope: Scope, text: string) => string;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Backups that are late or doubtful. @default none are known */
  backups?: () => { age: readonly Reading[]; suspect: readonly Reading[] };
  /** Between two looks. @default 15_000 */
  tickMs?: number;
};
