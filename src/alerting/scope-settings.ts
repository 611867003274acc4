import type { OwnRule, RuleSettings } from "../policy/alert-settings.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import { readSettings } from "../stack/x-roadstead.ts";
import type { ScopeAlertSettings } from "./parts.ts";

const guarded = ["production"];

/** What a stack's file says about its alerts in one environment; undefined: nothing, so the defaults hold. */
export function alertSettings(
  model: ComposeModel | undefined,
  environment: string,
): ScopeAlertSettings | undefined {
  const alerts = model && readSettings(model, environment, () => undefined).stack.alerts;
  if (!alerts) return undefined;
  const { rules = {}, own = {}, maintenance = [] } = alerts;
  return {
    rules: mapValues(rules, (rule): RuleSettings => withSeconds(rule ?? {})),
    own: mapValues(own, ({ window, ...rule }): OwnRule => ({ ...withSeconds(rule), windowSeconds: window })),
    maintenance: maintenance.filter(({ environments = guarded }) => environments.includes(environment)),
  };
}

type Written = { for?: number | undefined };

function withSeconds<T extends Written>({
  for: forSeconds,
  ...rest
}: T): Omit<T, "for"> & { forSeconds: number | undefined } {
  return { ...rest, forSeconds };
}

function mapValues<T, U>(values: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
