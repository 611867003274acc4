import { canonicalJson } from "../lib/hash.ts";
import { secretName } from "./secret-name.ts";
import type { Service, Stack } from "./stack.ts";

/** What differs between two stacks, for people: no value in it is a secret. */
export type StackDiff = {
  services: readonly ServiceDiff[];
  /** Networks, volumes, secrets and configs. */
  resources: readonly ValueChange[];
};

export type ServiceDiff = {
  service: string;
  change: "added" | "removed" | "changed";
  /** Compose paths that differ; empty for an added or removed service. */
  values: readonly ValueChange[];
  /** What follows from them and from our defaults: kind, strategy, replicas, routes and the like. */
  settings: readonly ValueChange[];
};

/** Values are shown as one-line texts; absent: not there on that side. */
export type ValueChange = { path: string; from?: string; to?: string };

const hidden = "•••";
const settingNames = [
  "kind",
  "strategy",
  "canary",
  "replicas",
  "routes",
  "ports",
  "probe",
  "keepWarmSeconds",
  "drainSeconds",
  "readyTimeoutSeconds",
  "holdSeconds",
  "releaseJob",
  "smoke",
  "sticky",
  "bodyLimitBytes",
  "rateLimit",
  "site",
] as const satisfies readonly (keyof Service)[];

/** From `before` to `after`; `before` is absent for a first release. Services in the order of `after`, removed ones last. */
export function diffStacks(before: Stack | undefined, after: Stack): StackDiff {
  const old = new Map(before?.services.map((service) => [service.name, service]));
  const kept = after.services.flatMap((service) => {
    const previous = old.get(service.name);
    old.delete(service.name);
    if (!previous) return [{ service: service.name, change: "added" as const, values: [], settings: [] }];
    return changed(previous, service);
  });
  const removed = [...old.keys()].map((service) => ({
    service,
    change: "removed" as const,
    values: [],
    settings: [],
  }));
  return { services: [...kept, ...removed], resources: before ? resourceChanges(before, after) : [] };
}

function changed(before: Service, after: Service): ServiceDiff[] {
  const values = compare(before.compose, after.compose, { path: `services.${after.name}`, secret: false });
  const settings = settingNames.flatMap((name) =>
    canonicalJson(before[name] ?? null) === canonicalJson(after[name] ?? null)
      ? []
      : [valueChange(name, before[name], after[name], false)],
  );
  if (values.length === 0 && settings.length === 0) return [];
  return [{ service: after.name, change: "changed", values, settings }];
}

function resourceChanges(before: Stack, after: Stack): ValueChange[] {
  const files = (stack: Stack, kind: "secret" | "config") =>
    Object.fromEntries(
      stack.files.filter((file) => file.kind === kind).map(({ name, source }) => [name, source]),
    );
  return [
    ...compare(before.networks, after.networks, { path: "networks", secret: false }),
    ...compare(before.volumes, after.volumes, { path: "volumes", secret: false }),
    ...compare(files(before, "secret"), files(after, "secret"), { path: "secrets", secret: false }),
    ...compare(files(before, "config"), files(after, "config"), { path: "configs", secret: false }),
  ];
}

type Place = { path: string; secret: boolean };

/** Mappings are compared key by key down to the leaves; lists and scalars as a whole, as Compose reads them. */
function compare(before: unknown, after: unknown, place: Place): ValueChange[] {
  if (isMapping(before) && isMapping(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) =>
      compare(own(before, key), own(after, key), {
        path: `${place.path}.${key}`,
        secret: place.secret || (isNameable(place.path) && secretName.test(key)),
      }),
    );
  }
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  return [valueChange(place.path, before, after, place.secret)];
}

/** Names of secrets are no secrets; names of variables, build arguments and labels tell that the value is one. */
function isNameable(path: string): boolean {
  return !/^(secrets|configs|networks|volumes)$/.test(path);
}

function own(mapping: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueChange(path: string, before: unknown, after: unknown, secret: boolean): ValueChange {
  return {
    path,
    ...(before === undefined || before === null ? {} : { from: secret ? hidden : shown(before) }),
    ...(after === undefined || after === null ? {} : { to: secret ? hidden : shown(after) }),
  };
}

/** One line; passwords inside addresses, and what follows or is joined to a secret-looking option, are hidden. */
function shown(value: unknown): string {
  if (typeof value === "string") return withoutPasswords(value);
  return withoutPasswords(JSON.stringify(masked(value)));
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => (isSecretOption(value[index - 1]) ? hidden : masked(item)));
  }
  if (!isMapping(value)) return typeof value === "string" ? withoutPasswords(value) : value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      secretName.test(key) && typeof inner === "string" ? hidden : masked(inner),
    ]),
  );
}

function isSecretOption(word: unknown): boolean {
  return (
    typeof word === "string" &&
    /^--?[a-z-]*(pass|password|requirepass|masterauth|secret|token|api-?key)$/i.test(word)
  );
}

function withoutPasswords(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@"]*:)[^\s/@"]+@/gi, `$1${hidden}@`)
    .replaceAll(
      /(--?[a-z-]*(?:pass|password|requirepass|secret|token|api-?key)[= ])[^\s"]+/gi,
      `$1${hidden}`,
    );
}
