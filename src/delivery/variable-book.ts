import type { Clock } from "../lib/clock.ts";
import { PlatformError } from "../lib/platform-error.ts";
import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { OwnSecrets } from "../secrets/port.ts";
import { parseReference } from "../secrets/reference.ts";
import { secretName } from "../stack/secret-name.ts";
import type { Store } from "../store/port.ts";

/** One variable of a stack and environment. The value of a secret is in the secret store only. */
export type Variable = {
  name: string;
  changedAt: number;
  changedBy: string;
  /** Counts the changes from 1. */
  number: number;
} & (
  | { kind: "plain"; value: string }
  | { kind: "secret"; version: string }
  /** Read from its provider at each deploy. */
  | { kind: "reference"; reference: string }
);

export type VariableChange =
  | { name: string; kind: "plain" | "secret"; value: string }
  | { name: string; kind: "reference"; reference: string }
  | { name: string; kind: "unset" };

const collection = "variables";
const maxVariables = 1000;
/** Of all stacks together. */
const maxSearched = 20_000;
const maxPlainLength = 64 * 1024;

/** What operators have set, with every change in the audit trail: values of plain variables, versions of secrets. */
export class VariableBook {
  readonly #parts: { store: Store; clock: Clock; own: OwnSecrets };
  readonly #generations = new Map<string, number>();

  constructor(parts: { store: Store; clock: Clock; own: OwnSecrets }) {
    this.#parts = parts;
  }

  /** By name. */
  list(scope: Scope): Variable[] {
    const prefix = `${scopeKey(scope)}/`;
    return this.#parts.store.records
      .list<Variable>(collection, { prefix, limit: maxVariables + 1 })
      .map(({ value }) => value);
  }

  /** Where anything is set, whether or not it was deployed. */
  scopes(): Scope[] {
    const keys = this.#parts.store.records.list(collection, { limit: maxSearched }).map(({ key }) => key);
    const known = new Map(keys.map((key) => [key.split("/").slice(0, 2).join("/"), key]));
    return [...known.values()].map((key) => {
      const [stack = "", environment = ""] = key.split("/");
      return { stack, environment };
    });
  }

  get(scope: Scope, name: string): Variable | undefined {
    return this.#parts.store.records.get<Variable>(collection, keyOf(scope, name));
  }

  /** Changes with each change of the scope: what was derived from the variables is good for one generation. */
  generation(scope: Scope): number {
    return this.#generations.get(scopeKey(scope)) ?? 0;
  }

  /** All of them or none. A change to what it is already is no change and leaves no trace. */
  change(scope: Scope, changes: readonly VariableChange[], by: Actor, action: string): Variable[] {
    const { store } = this.#parts;
    const result = store.transaction(() => {
      const details = changes.flatMap((change) => this.#one(scope, change, by));
      if (this.list(scope).length > maxVariables)
        throw refused(`an environment may have ${maxVariables} variables`);
      if (details.length > 0) this.#write(scope, action, by, { changes: details });
      return this.list(scope);
    });
    this.#generations.set(scopeKey(scope), this.generation(scope) + 1);
    return result;
  }

  #one(scope: Scope, change: VariableChange, by: Actor): Record<string, unknown>[] {
    const { store, clock } = this.#parts;
    const before = this.get(scope, change.name);
    if (change.kind === "unset") {
      if (!before) return [];
      store.records.remove(collection, keyOf(scope, change.name));
      return [{ name: change.name, before: shown(before), after: null }];
    }
    const facts = this.#facts(scope, change);
    if (before && JSON.stringify(shown(before)) === JSON.stringify(shown(facts))) return [];
    const number = (before?.number ?? 0) + 1;
    const after: Variable = {
      name: change.name,
      changedAt: clock.now(),
      changedBy: by.name,
      number,
      ...facts,
    };
    store.records.put(collection, keyOf(scope, change.name), after);
    return [{ name: change.name, before: before ? shown(before) : null, after: shown(after) }];
  }

  #facts(scope: Scope, change: Exclude<VariableChange, { kind: "unset" }>): Facts {
    if (change.kind === "reference") {
      parseReference(change.reference);
      return { kind: "reference", reference: change.reference };
    }
    if (change.value.includes("\0")) throw refused(`the value of ${change.name} holds a NUL character`);
    if (change.kind === "secret")
      return { kind: "secret", version: this.#parts.own.write(scope, change.name, change.value) };
    if (change.value.length > maxPlainLength) throw refused(`the value of ${change.name} is too large`);
    return { kind: "plain", value: change.value };
  }

  #write(scope: Scope, action: string, by: Actor, detail: Record<string, unknown>): void {
    const { store, clock } = this.#parts;
    store.audit.append({
      at: clock.now(),
      actor: by.name,
      action,
      target: scopeKey(scope),
      detail: by.reason === "" ? detail : { ...detail, reason: by.reason },
    });
  }
}

type Facts =
  | { kind: "plain"; value: string }
  | { kind: "secret"; version: string }
  | { kind: "reference"; reference: string };

function shown(facts: Facts): Record<string, string> {
  if (facts.kind === "plain") return { value: facts.value };
  return facts.kind === "secret" ? { version: facts.version } : { reference: facts.reference };
}

/** Names that say what they are, and URLs with a password in them: such values belong among the secrets. */
export function looksSecret(name: string, value: string): boolean {
  return secretName.test(name) || /^[a-z][a-z0-9+.-]*:\/\/[^\s/@]*:[^\s/@]+@/i.test(value);
}

function keyOf(scope: Scope, name: string): string {
  return `${scopeKey(scope)}/${name}`;
}

function refused(message: string): PlatformError {
  return new PlatformError("VARIABLE_REFUSED", message, { hint: "`roadstead env list` shows what is set." });
}
