import type { Tell } from "./report.ts";
import type { RuleTree } from "./rules.ts";
import { ruleTree, stepInto } from "./rules.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { equalValues, isMapping, kindOf, newMapping, textOf } from "./values.ts";

/**
 * The merge rules of the Compose Specification (13-merge): mappings merge key by key, lists are appended, scalars are
 * replaced, except at the paths named here. Sequences with a unique key are reduced afterwards, see unique.ts.
 */
type MergeRule = "replace" | "sequence" | "hosts" | "build" | "depends_on" | "networks" | "logging" | "ipam";

const mergeRules = ruleTree<MergeRule>({
  "networks.*.ipam.config": "ipam",
  "networks.*.labels": "sequence",
  "volumes.*.labels": "sequence",
  "services.*.annotations": "sequence",
  "services.*.build": "build",
  "services.*.build.args": "sequence",
  "services.*.build.additional_contexts": "sequence",
  "services.*.build.extra_hosts": "hosts",
  "services.*.build.labels": "sequence",
  "services.*.command": "replace",
  "services.*.depends_on": "depends_on",
  "services.*.deploy.labels": "sequence",
  "services.*.dns": "sequence",
  "services.*.dns_opt": "sequence",
  "services.*.dns_search": "sequence",
  "services.*.entrypoint": "replace",
  "services.*.env_file": "sequence",
  "services.*.label_file": "sequence",
  "services.*.environment": "sequence",
  "services.*.extra_hosts": "hosts",
  "services.*.healthcheck.test": "replace",
  "services.*.labels": "sequence",
  "services.*.logging": "logging",
  "services.*.models": "networks",
  "services.*.networks": "networks",
  "services.*.provider": "replace",
  "services.*.sysctls": "sequence",
  "services.*.tmpfs": "sequence",
  "services.*.ulimits.*": "replace",
});

/** Lays `over` on `base`. Both are consumed: the result may share their parts. */
export function mergeModels(base: Mapping, over: Mapping, tell: Tell): Mapping {
  return mergeMappings(base, over, { rules: mergeRules, path: [], tell });
}

/** Lays a service on the one that it extends. */
export function mergeService(base: Mapping, over: Mapping, name: string, tell: Tell): Mapping {
  const rules = stepInto(stepInto(mergeRules, "services"), name);
  return mergeMappings(base, over, { rules, path: ["services", name], tell });
}

type Place = { rules: RuleTree<MergeRule> | undefined; path: Path; tell: Tell };

function mergeMappings(base: Mapping, over: Mapping, place: Place): Mapping {
  for (const key of Object.keys(over)) {
    const value = over[key] ?? null;
    const current = base[key];
    if (current === undefined || key.startsWith("x-")) base[key] = value;
    else
      base[key] = mergeValues(current, value, {
        ...place,
        rules: stepInto(place.rules, key),
        path: [...place.path, key],
      });
  }
  return base;
}

function mergeValues(base: Value, over: Value, place: Place): Value {
  const rule = place.rules?.rule;
  if (rule !== undefined) return mergeByRule(rule, base, over, place);
  if (over === null) return base;
  if (isMapping(base) && isMapping(over)) return mergeMappings(base, over, place);
  if (Array.isArray(base) && Array.isArray(over)) return [...base, ...over];
  if (typeof base !== "object" || base === null) return over;
  place.tell(
    "MERGE_CONFLICT",
    `an earlier file has ${kindOf(base)} here, this one ${kindOf(over)}; they cannot be merged`,
    place.path,
    "write the same form in both files, or tag this one `!override`",
  );
  return base;
}

function mergeByRule(rule: MergeRule, base: Value, over: Value, place: Place): Value {
  switch (rule) {
    case "replace":
      return over;
    case "sequence":
      return [...asSequence(base), ...asSequence(over)];
    case "hosts": {
      const hosts = asSequence(base);
      return [
        ...hosts,
        ...asSequence(over).filter((host) => !hosts.some((other) => equalValues(other, host))),
      ];
    }
    case "build":
      return mergeMappings(asBuild(base), asBuild(over), place);
    case "depends_on":
      return mergeMappings(asMapping(base, startedDependency), asMapping(over, startedDependency), place);
    case "networks":
      return mergeMappings(
        asMapping(base, () => null),
        asMapping(over, () => null),
        place,
      );
    case "logging":
      return mergeLogging(base, over, place);
    case "ipam":
      return mergeIpam(base, over, place);
  }
}

function startedDependency(): Mapping {
  return Object.assign(newMapping(), { condition: "service_started", required: true });
}

function asBuild(value: Value): Mapping {
  if (typeof value === "string") return Object.assign(newMapping(), { context: value });
  return isMapping(value) ? value : newMapping();
}

function asMapping(value: Value, entry: () => Value): Mapping {
  if (isMapping(value)) return value;
  const mapping = newMapping();
  if (Array.isArray(value)) for (const key of value) mapping[textOf(key)] = entry();
  return mapping;
}

/** A mapping as the sorted `key=value` list that it also could be written as. */
function asSequence(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "string") return [value];
  if (!isMapping(value)) return [];
  const list: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item === null) list.push(key);
    else if (Array.isArray(item)) for (const one of item) list.push(`${key}=${textOf(one)}`);
    else list.push(`${key}=${textOf(item)}`);
  }
  return list.sort();
}

/** Options of different logging drivers are never mixed. */
function mergeLogging(base: Value, over: Value, place: Place): Value {
  if (!isMapping(base) || !isMapping(over)) return over ?? base;
  const same =
    base["driver"] === undefined || over["driver"] === undefined || base["driver"] === over["driver"];
  return same ? mergeMappings(base, over, place) : over;
}

/** Address pools are the same when their subnets are. */
function mergeIpam(base: Value, over: Value, place: Place): Value {
  if (!Array.isArray(base) || !Array.isArray(over)) return over ?? base;
  const pools = base.filter(isMapping);
  for (const pool of over.filter(isMapping)) {
    const same = pools.find((other) => equalValues(other["subnet"] ?? null, pool["subnet"] ?? null));
    if (same) mergeMappings(same, pool, place);
    else pools.push(pool);
  }
  return pools;
}
