import type { RuleTree } from "./rules.ts";
import { ruleTree, stepInto } from "./rules.ts";
import { parseShortMount } from "./short-mount.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { isMapping, textOf } from "./values.ts";

/** Lists whose entries have a unique key: a later entry with the same key takes the earlier one's place. */
type KeyOf = (entry: Value) => string;

const beforeEquals: KeyOf = (entry) => textOf(entry).split("=", 1)[0] ?? "";

const uniqueLists = ruleTree<KeyOf>({
  "networks.*.labels": beforeEquals,
  "networks.*.ipam.options": beforeEquals,
  "services.*.annotations": beforeEquals,
  "services.*.build.args": beforeEquals,
  "services.*.build.additional_contexts": beforeEquals,
  "services.*.build.tags": beforeEquals,
  "services.*.build.labels": beforeEquals,
  "services.*.cap_add": beforeEquals,
  "services.*.cap_drop": beforeEquals,
  "services.*.devices": deviceKey,
  "services.*.configs": (entry) => grantKey("", entry),
  "services.*.deploy.labels": beforeEquals,
  "services.*.dns": beforeEquals,
  "services.*.dns_opt": beforeEquals,
  "services.*.dns_search": beforeEquals,
  "services.*.environment": beforeEquals,
  "services.*.env_file": (entry) => (isMapping(entry) ? textOf(entry["path"]) : textOf(entry)),
  "services.*.expose": textOf,
  "services.*.labels": beforeEquals,
  "services.*.links": beforeEquals,
  "services.*.networks.*.aliases": beforeEquals,
  "services.*.networks.*.link_local_ips": beforeEquals,
  "services.*.ports": portKey,
  "services.*.profiles": beforeEquals,
  "services.*.secrets": (entry) => grantKey("/run/secrets", entry),
  "services.*.sysctls": beforeEquals,
  "services.*.tmpfs": beforeEquals,
  "services.*.volumes": mountKey,
});

/** Whether the list at this path is reduced by a unique key. */
export function isUniqueList(path: Path): boolean {
  let rules: RuleTree<KeyOf> | undefined = uniqueLists;
  for (const step of path) rules = stepInto(rules, String(step));
  return rules?.rule !== undefined;
}

/** Removes redefinitions, in place. */
export function enforceUnique(model: Mapping): void {
  walk(model, uniqueLists);
}

function walk(mapping: Mapping, rules: RuleTree<KeyOf>): void {
  for (const key of Object.keys(mapping)) {
    const next = stepInto(rules, key);
    const value = mapping[key];
    if (next === undefined) continue;
    if (isMapping(value)) walk(value, next);
    else if (Array.isArray(value) && next.rule) mapping[key] = reduce(value, next.rule);
  }
}

function reduce(list: readonly Value[], keyOf: KeyOf): Value[] {
  const byKey = new Map<string, Value>();
  for (const entry of list) byKey.set(keyOf(entry), entry);
  return [...byKey.values()];
}

function deviceKey(entry: Value): string {
  if (isMapping(entry)) return textOf(entry["target"]);
  const parts = textOf(entry).split(":");
  return parts[1] ?? parts[0] ?? "";
}

function grantKey(folder: string, entry: Value): string {
  if (!isMapping(entry)) return `${folder}/${textOf(entry)}`;
  return entry["target"] === undefined ? `${folder}/${textOf(entry["source"])}` : textOf(entry["target"]);
}

function portKey(entry: Value): string {
  if (!isMapping(entry)) return textOf(entry);
  // JSON keeps `8080` and `"8080"` apart, as the reference implementation does.
  const published = entry["published"] === undefined ? "" : JSON.stringify(entry["published"]);
  return `${textOf(entry["host_ip"] ?? "0.0.0.0")}|${published}|${textOf(entry["target"])}/${textOf(entry["protocol"] ?? "tcp")}`;
}

function mountKey(entry: Value): string {
  if (isMapping(entry)) return textOf(entry["target"]);
  const mount = parseShortMount(textOf(entry));
  return "problem" in mount ? textOf(entry) : mount.target;
}
