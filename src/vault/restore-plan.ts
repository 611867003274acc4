import { coverage } from "../policy/backup-coverage.ts";
import type { BackupSource } from "../policy/backup-source.ts";
import { chooseRestorable, dayOf, type RestoreWish } from "../policy/restore-choice.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { withStandIns } from "../rollout/stand-ins.ts";
import type { Stack } from "../stack/stack.ts";
import { isThere } from "./backup-run.ts";
import { vaultError } from "./errors.ts";
import type { RestoreParts } from "./restore-parts.ts";
import type { RestoreItem, RestoreOrigin, RestoreRun } from "./restore-run.ts";

export type RestoreRequest = RestoreWish & {
  /** A source, a service or a volume; absent: all that has a backup. */
  what?: string;
  /** A named point in time. */
  point?: string;
  /** Takes the newest backup even where every moment could be brought back. */
  fromBackup?: boolean;
  /** Another environment of the stack, which gets the data. */
  as?: string;
  mask?: string;
  /** Without a last copy of what serves: its volume stays anyway. */
  noSafety?: boolean;
  /** Also when much of the data seems to be lost in it. */
  acceptSuspect?: boolean;
};

const available = 12;

/** What a request means: which data, into which volumes, for which services. Nothing is touched. */
export function planRestore(
  parts: RestoreParts,
  origin: Scope,
  request: RestoreRequest,
  id: string,
): Pick<RestoreRun, "items" | "before" | "scope" | "origin"> {
  const scope = { ...origin, environment: request.as ?? origin.environment };
  const raw = stackAsWritten(parts, scope);
  const stack = withStandIns(raw, parts.store.scopes.get(scope)?.standIns);
  const wanted = sourcesOf(raw, request.what);
  const items = wanted.flatMap((source): RestoreItem[] => {
    const from = originOf(parts, origin, source, { ...request, isOnly: wanted.length === 1 });
    if (!from) return [];
    return [itemOf(parts, { scope, stack, source, from, id })];
  });
  if (items.length === 0)
    throw vaultError("VAULT_NOTHING_TO_RESTORE", `${scopeKey(origin)} has nothing that could be restored`);
  const standIns = parts.store.scopes.get(scope)?.standIns ?? {};
  const keys = items.flatMap(({ mounts }) => Object.keys(mounts));
  return {
    scope,
    origin,
    items,
    before: Object.fromEntries(keys.map((key) => [key, standIns[key] ?? null])),
  };
}

/** The stack of a scope's current release, as its Compose file has it. */
export function stackAsWritten(
  { store, resolve }: Pick<RestoreParts, "store" | "resolve">,
  scope: Scope,
): Stack {
  const current = store.scopes.get(scope)?.current;
  const release = current && store.releases.get(current);
  const stack = release && resolve(release.bundle, scope.environment).stack;
  if (!stack) throw vaultError("VAULT_NO_RELEASE", `${scopeKey(scope)} has no release`);
  return stack;
}

/** What is kept of a source, with the volumes that serve. */
export function keptSource(parts: Pick<RestoreParts, "store" | "resolve">, scope: Scope, name: string) {
  const raw = stackAsWritten(parts, scope);
  const source = coverage(raw).sources.find((one) => one.name === name);
  if (!source) throw vaultError("VAULT_NO_SOURCE", `${scopeKey(scope)} has no source ${name} any more`);
  return { scope, stack: withStandIns(raw, parts.store.scopes.get(scope)?.standIns), source };
}

function sourcesOf(stack: Stack, what: string | undefined): BackupSource[] {
  const { sources } = coverage(stack);
  if (what === undefined) return [...sources];
  const byName = sources.filter(({ name, volume }) => name === what || volume === what);
  const found = byName.length > 0 ? byName : sources.filter(({ services }) => services.includes(what));
  if (found.length > 0) return found;
  const names = sources.map(({ name }) => name).join(", ");
  throw vaultError("VAULT_NO_SOURCE", `${stack.name} has no ${what} that is backed up; it has ${names}`);
}

function originOf(
  { vault, points, builders }: RestoreParts,
  scope: Scope,
  source: BackupSource,
  request: RestoreRequest & { isOnly: boolean },
): RestoreOrigin | undefined {
  const { at, point, date, snapshot, fromBackup = false, isOnly } = request;
  if (!builders[source.kind]) {
    if (!isOnly) return undefined;
    throw vaultError("VAULT_NO_SOURCE", `${source.kind} cannot be restored by this installation`);
  }
  const recoverable = points?.recoverable(scope, source.name);
  const byPoint = point !== undefined || (!fromBackup && date === undefined && snapshot === undefined);
  if (points && byPoint && recoverable?.earliest !== undefined) {
    const wish = { ...(at === undefined ? {} : { at }), ...(point === undefined ? {} : { name: point }) };
    return { kind: "point", base: points.choose(scope, source.name, wish).base, ...wish };
  }
  if (point !== undefined)
    throw vaultError("VAULT_NOTHING_TO_RESTORE", `${source.name} has no points in time`, {
      hint: `Set x-roadstead.backups.sources.${source.name}.pointInTime.`,
    });
  const runs = vault.runs.of(scope, source.name).filter(isThere);
  const restorable = runs.map(({ id, snapshot: kept, verdict = "unverified" as const }) => ({
    id,
    snapshot: kept.id,
    takenAt: kept.takenAt,
    verdict,
  }));
  const timeZone = vault.plan(scope).schedule?.timeZone ?? "UTC";
  const choice = chooseRestorable(restorable, request, timeZone);
  if (choice.ok) return { kind: "backup", backup: choice.chosen.id, takenAt: choice.chosen.takenAt };
  if (!isOnly && runs.length === 0) return undefined;
  const there = choice.available
    .slice(0, available)
    .map(({ id, takenAt, verdict }) => `${dayOf(takenAt, timeZone)} ${id} ${verdict}`);
  throw vaultError("VAULT_NOTHING_TO_RESTORE", `${source.name}: ${choice.reason}`, {
    hint: there.length === 0 ? "There is none at all." : `There is: ${there.join(", ")}.`,
  });
}

function itemOf(
  { builders }: RestoreParts,
  of: { scope: Scope; stack: Stack; source: BackupSource; from: RestoreOrigin; id: string },
): RestoreItem {
  const { scope, stack, source, from, id } = of;
  const shorts = builders[source.kind]?.mountsOf({ scope, stack, source }) ?? {};
  const generation = id.replaceAll(/[^\w-]+/g, "-");
  const mounts = Object.entries(shorts).map(([key, short]) => [key, `${scope.stack}_${short}.${generation}`]);
  const { name, kind, services } = source;
  return { source: name, kind, from, services, mounts: Object.fromEntries(mounts) as Record<string, string> };
}
