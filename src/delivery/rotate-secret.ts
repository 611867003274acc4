import { canonicalJson } from "../lib/hash.ts";
import { PlatformError } from "../lib/platform-error.ts";
import type { Actor, Engine } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { OwnSecrets } from "../secrets/port.ts";
import type { Service, Stack } from "../stack/stack.ts";
import type { Bundle, Deployment, Release, Store } from "../store/port.ts";
import { missingFiles, type Values } from "./environment.ts";
import type { VariableBook, VariableChange } from "./variable-book.ts";
import type { Variables } from "./variables.ts";

/** What runs was accepted once. */
const accepted = { accepted: true };

export type RotationParts = {
  store: Store;
  book: VariableBook;
  own: OwnSecrets;
  engine: Engine;
  load: Variables["load"];
};

export type Rotation = {
  scope: Scope;
  name: string;
  /** What it becomes; for a reference, what its provider gave just now. */
  value: string;
  /** The value before goes on under this name, for programs that accept two keys for a while. */
  keepPreviousAs?: string;
};

/** Services that a new value of the variable would change, with how each is replaced. */
export function affectedServices(
  { store, load }: Pick<RotationParts, "store" | "load">,
  scope: Scope,
  name: string,
): Pick<Service, "name" | "kind" | "strategy">[] {
  const release = current(store, scope);
  const before = load(release.bundle, scope.environment, accepted).stack;
  // Any other value does: what differs is what uses it.
  const probe = `${release.bundle.variables[name] ?? ""}1`;
  const after = load(withVariables(release.bundle, { [name]: probe }), scope.environment, accepted).stack;
  if (!before || !after) return [];
  const settings = new Map(
    before.services.map(({ name: service, compose }) => [service, canonicalJson(compose)]),
  );
  const files = filesNamed(before, name);
  return after.services
    .filter(
      ({ name: service, compose }) =>
        settings.get(service) !== canonicalJson(compose) ||
        [...(compose.secrets ?? []), ...(compose.configs ?? [])].some(({ source }) => files.has(source)),
    )
    .map(({ name: service, kind, strategy }) => ({ name: service, kind, strategy }));
}

/**
 * Sets the new value and deploys the current release once more with it: same texts, same images, every other variable
 * as it runs. Services that use it are replaced by their strategy; if that fails, the old ones go on with the old value.
 */
export function rotateSecret(parts: RotationParts, rotation: Rotation, by: Actor): Deployment {
  const { store, book, engine } = parts;
  const { scope, name, value } = rotation;
  if (store.deployments.unfinished(scope).length > 0)
    throw new PlatformError("ROTATION_BUSY", `${scopeKey(scope)} is being deployed`, {
      hint: "Wait for its end: a rotation deploys what runs now once more.",
    });
  return store.transaction(() => {
    const release = current(store, scope);
    const kept = previousValue(parts, rotation);
    book.change(scope, changesOf(parts, rotation, kept), by, "secrets.rotate");
    const next = withVariables(release.bundle, { ...kept, [name]: value });
    const { stack, variablesUsed } = parts.load(next, scope.environment, accepted);
    const bundle = { ...next, variables: { ...release.bundle.variables, ...taken(next, variablesUsed) } };
    const fileVersions = stack ? newFileVersions(store, scope, stack, { [name]: value, ...kept }) : {};
    const request = {
      bundle,
      label: release.label,
      services: [],
      fileVersions: { ...release.fileVersions, ...fileVersions },
      keepImages: true,
    };
    return engine.deploy(scope, request, by);
  });
}

function changesOf(
  { book }: RotationParts,
  { scope, name, value }: Rotation,
  kept: Values,
): VariableChange[] {
  const reference = book.get(scope, name)?.kind === "reference";
  const own: VariableChange[] = reference ? [] : [{ name, kind: "secret", value }];
  return [
    ...own,
    ...Object.entries(kept).map(([key, old]) => ({ name: key, kind: "secret" as const, value: old })),
  ];
}

/** What runs counts, not what is set: that is what tokens were signed with. */
function previousValue({ store, own, book }: RotationParts, rotation: Rotation): Record<string, string> {
  const { scope, name, keepPreviousAs } = rotation;
  if (keepPreviousAs === undefined) return {};
  const variable = book.get(scope, name);
  const set = variable?.kind === "secret" ? own.read(scope, name, variable.version) : undefined;
  const value = current(store, scope).bundle.variables[name] ?? set;
  return value === undefined ? {} : { [keepPreviousAs]: value };
}

/** Only what the stack uses goes into the release. */
function taken(bundle: Bundle, variablesUsed: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bundle.variables).filter(([name]) => variablesUsed[name] !== undefined),
  );
}

function newFileVersions(store: Store, scope: Scope, stack: Stack, values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(missingFiles(stack, values)).map(([file, content]) => [
      file,
      store.secrets.put(scope, file, content),
    ]),
  );
}

/** Compose secrets and configs whose content is the variable's. */
function filesNamed(stack: Stack, name: string): Set<string> {
  return new Set(Object.keys(missingFiles(stack, { [name]: "" })));
}

function withVariables(bundle: Bundle, values: Values): Bundle {
  return { ...bundle, variables: { ...bundle.variables, ...values } };
}

function current(store: Store, scope: Scope): Release {
  const id = store.scopes.get(scope)?.current;
  const release = id && store.releases.get(id);
  if (!release)
    throw new PlatformError("ENGINE_STACK_UNKNOWN", `${scopeKey(scope)} has no current release`, {
      hint: "`roadstead secrets set` is enough before the first deploy.",
    });
  return release;
}
