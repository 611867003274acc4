import { defaultRules } from "../policy/alert-defaults.ts";
import type { AlertRule, Reading } from "../policy/alert-rule.ts";
import { ownRules, ruleWith } from "../policy/alert-settings.ts";
import type { WeeklyWindow } from "../policy/freeze.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { ScopeAlertSettings } from "./parts.ts";

/** Which rules hold where: the defaults, as each stack changed them, and the stacks' own. */
export class RuleSet {
  readonly #settings: ReadonlyMap<string, ScopeAlertSettings>;
  readonly #own: ReadonlyMap<string, readonly AlertRule[]>;
  readonly #changed = new Map<string, AlertRule | undefined>();

  constructor(scopes: readonly Scope[], settingsOf: (scope: Scope) => ScopeAlertSettings | undefined) {
    const known = scopes.flatMap((scope) => {
      const settings = settingsOf(scope);
      return settings ? [[scopeKey(scope), settings] as const] : [];
    });
    this.#settings = new Map(known);
    this.#own = new Map(known.map(([key, { own }]) => [key, ownRules(own)]));
  }

  /** Every rule that is asked for values, once: a default one, or one of a single stack. */
  all(): { rule: AlertRule; only?: string }[] {
    const own = [...this.#own].flatMap(([only, rules]) => rules.map((rule) => ({ rule, only })));
    return [...defaultRules.map((rule) => ({ rule })), ...own];
  }

  /** The rule as it holds for one subject; undefined: it does not. */
  for(rule: AlertRule, { subject }: Pick<Reading, "subject">, only?: string): AlertRule | undefined {
    const { scope, service } = subject;
    if (only !== undefined && scope !== only) return undefined;
    const mine = only === undefined && scope !== undefined ? this.#changedFor(rule, scope) : rule;
    if (mine?.services && (service === undefined || !mine.services.includes(service))) return undefined;
    return mine;
  }

  windows(scope: string | undefined): readonly WeeklyWindow[] {
    return (scope === undefined ? undefined : this.#settings.get(scope)?.maintenance) ?? [];
  }

  #changedFor(rule: AlertRule, scope: string): AlertRule | undefined {
    const settings = this.#settings.get(scope)?.rules[rule.name];
    if (!settings) return rule;
    const key = `${scope} ${rule.name}`;
    if (!this.#changed.has(key)) this.#changed.set(key, ruleWith(rule, settings));
    return this.#changed.get(key);
  }
}
