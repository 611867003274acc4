import type { Scope } from "../rollout/ids.ts";
import type { OwnSecrets } from "../secrets/port.ts";
import { parseEnvFile } from "../stack/compose/dotenv.ts";
import { secretName } from "../stack/secret-name.ts";
import { type VariableReference, variableReferences } from "../stack/variable-references.ts";
import type { Bundle, Store } from "../store/port.ts";
import type { Variable, VariableBook } from "./variable-book.ts";

/** What may be shown of a variable: the value only of a plain one. */
export type ShownVariable =
  | { kind: "plain"; value: string }
  | { kind: "secret" }
  | { kind: "reference"; reference: string }
  /** Came with a deploy, from the shell of who deployed. */
  | { kind: "shell" };

export type VariableView = {
  name: string;
  /** Absent: not set here. */
  set?: ShownVariable & { number: number; changedAt: number; changedBy: string };
  secret: boolean;
  /** `file`: a `.env` of the release says it. `unused`: the release does not ask for it. */
  state: "set" | "file" | "default" | "missing" | "unused";
  required: boolean;
  services: readonly string[];
  /** Against what the current release was given; `unknown`: only its provider can tell. */
  live: "same" | "differs" | "unknown" | "absent";
};

export type VariableDifference = {
  name: string;
  from?: ShownVariable;
  to?: ShownVariable;
  change: "added" | "removed" | "changed" | "same" | "unknown";
};

type Parts = { store: Store; book: VariableBook; own: OwnSecrets };

/** Everything that an environment has set or its release asks for, by name. */
export function viewEnvironment(parts: Parts, scope: Scope): VariableView[] {
  const bundle = liveBundle(parts, scope);
  const references = new Map((bundle ? variableReferences(bundle.texts) : []).map((ref) => [ref.name, ref]));
  const fromFile = bundle ? envFileNames(bundle) : new Set<string>();
  const set = new Map(parts.book.list(scope).map((variable) => [variable.name, variable]));
  const names = [...new Set([...set.keys(), ...references.keys()])].sort();
  return names.map((name) => {
    const variable = set.get(name);
    const reference = references.get(name);
    return {
      name,
      ...(variable ? { set: setFacts(variable) } : {}),
      secret: variable ? variable.kind !== "plain" : secretName.test(name),
      state: stateOf(variable, reference, fromFile.has(name) || bundle?.variables[name] !== undefined),
      required: reference?.required ?? false,
      services: reference?.services ?? [],
      live: liveState(parts, scope, variable, bundle?.variables[name]),
    };
  });
}

/** The variables of one environment against those of another. Values of secrets are compared, never shown. */
export function compareEnvironments(parts: Parts, from: Scope, to: Scope): VariableDifference[] {
  const one = new Map(parts.book.list(from).map((variable) => [variable.name, variable]));
  const other = new Map(parts.book.list(to).map((variable) => [variable.name, variable]));
  return [...new Set([...one.keys(), ...other.keys()])].sort().map((name) => {
    const [a, b] = [one.get(name), other.get(name)];
    return difference(name, a && shownOf(a), b && shownOf(b), () => sameSecret(parts, from, to, [a, b]));
  });
}

/** What the current release was given against what the next one would get. */
export function comparePending(parts: Parts, scope: Scope): VariableDifference[] {
  const bundle = liveBundle(parts, scope);
  const live = bundle?.variables ?? {};
  const asked = new Set(bundle ? variableReferences(bundle.texts).map(({ name }) => name) : []);
  const set = new Map(parts.book.list(scope).map((variable) => [variable.name, variable]));
  const names = [...new Set([...Object.keys(live).filter((name) => asked.has(name)), ...set.keys()])].sort();
  return names
    .filter((name) => bundle === undefined || asked.has(name) || live[name] !== undefined)
    .map((name) => {
      const variable = set.get(name);
      const value = live[name];
      const state = liveState(parts, scope, variable, value);
      return difference(
        name,
        value === undefined ? undefined : liveShown(name, variable, value),
        variable && shownOf(variable),
        () => (state === "unknown" ? undefined : state === "same"),
      );
    });
}

function difference(
  name: string,
  from: ShownVariable | undefined,
  to: ShownVariable | undefined,
  same: () => boolean | undefined,
): VariableDifference {
  const shown = { name, ...(from ? { from } : {}), ...(to ? { to } : {}) };
  if (!from) return { ...shown, change: "added" };
  if (!to) return { ...shown, change: "removed" };
  const verdict = same();
  return { ...shown, change: verdict === undefined ? "unknown" : verdict ? "same" : "changed" };
}

function sameSecret(
  { own }: Parts,
  from: Scope,
  to: Scope,
  [a, b]: readonly [Variable | undefined, Variable | undefined],
): boolean {
  if (a?.kind === "plain" && b?.kind === "plain") return a.value === b.value;
  if (a?.kind === "reference" && b?.kind === "reference") return a.reference === b.reference;
  if (a?.kind === "secret" && b?.kind === "secret")
    return own.read(from, a.name, a.version) === own.read(to, b.name, b.version);
  return false;
}

function liveBundle({ store }: Parts, scope: Scope): Bundle | undefined {
  const current = store.scopes.get(scope)?.current;
  return current && store.releases.get(current)?.bundle;
}

function liveState(
  { own }: Parts,
  scope: Scope,
  variable: Variable | undefined,
  live: string | undefined,
): VariableView["live"] {
  if (live === undefined) return "absent";
  if (!variable) return "differs";
  if (variable.kind === "reference") return "unknown";
  const next = variable.kind === "plain" ? variable.value : own.read(scope, variable.name, variable.version);
  return next === live ? "same" : "differs";
}

/** A live value is shown when it is known to be plain. */
function liveShown(name: string, variable: Variable | undefined, value: string): ShownVariable {
  if (!variable) return { kind: "shell" };
  if (variable.kind !== "plain" || secretName.test(name)) return { kind: "secret" };
  return { kind: "plain", value };
}

function setFacts(variable: Variable): NonNullable<VariableView["set"]> {
  const { number, changedAt, changedBy } = variable;
  return { ...shownOf(variable), number, changedAt, changedBy };
}

function shownOf(variable: Variable): ShownVariable {
  if (variable.kind === "plain") return { kind: "plain", value: variable.value };
  return variable.kind === "secret"
    ? { kind: "secret" }
    : { kind: "reference", reference: variable.reference };
}

function stateOf(
  variable: Variable | undefined,
  reference: VariableReference | undefined,
  elsewhere: boolean,
): VariableView["state"] {
  if (variable) return reference ? "set" : "unused";
  if (elsewhere) return "file";
  return reference?.hasDefault ? "default" : "missing";
}

function envFileNames(bundle: Bundle): Set<string> {
  const files = bundle.envFiles ?? [`${bundle.projectDirectory}/.env`];
  const names = files.flatMap((path) => {
    const text = bundle.texts[path];
    return text === undefined ? [] : [...parseEnvFile(text, () => undefined).variables.keys()];
  });
  return new Set(names);
}
