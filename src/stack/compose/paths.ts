import { isAbsolutePath, joinPath } from "../../lib/posix-path.ts";
import type { RuleTree } from "./rules.ts";
import { ruleTree, stepInto } from "./rules.ts";
import type { Mapping, Value } from "./values.ts";
import { isMapping } from "./values.ts";

type PathRule = "path" | "context" | "mount" | "volume";

const pathRules = ruleTree<PathRule>({
  "services.*.build.context": "context",
  "services.*.build.additional_contexts.*": "context",
  "services.*.build.ssh.*": "path",
  "services.*.env_file.*.path": "path",
  "services.*.label_file.*": "path",
  "services.*.extends.file": "path",
  "services.*.develop.watch.*.path": "path",
  "services.*.volumes.*": "mount",
  "configs.*.file": "path",
  "secrets.*.file": "path",
  "volumes.*": "volume",
});

/** Makes every relative path of a canonical model absolute, in place; `home` is what `~` stands for. */
export function resolvePaths(model: Mapping, base: string, home: string | undefined): void {
  const absolute = (path: string): string => {
    const expanded = home !== undefined && path.startsWith("~") ? joinPath(home, path.slice(1)) : path;
    return expanded === "" || isAbsolutePath(expanded) || isWindowsPath(expanded)
      ? expanded
      : joinPath(base, expanded);
  };
  walk(model, pathRules, absolute);
}

function isWindowsPath(path: string): boolean {
  return /^[a-zA-Z]:[\\/]/.test(path) || path.startsWith("\\\\");
}

function walk(value: Value, rules: RuleTree<PathRule>, absolute: (path: string) => string): Value {
  if (rules.rule !== undefined) return resolveOne(rules.rule, value, absolute);
  if (Array.isArray(value)) {
    const next = stepInto(rules, "*");
    return next === undefined ? value : value.map((entry) => walk(entry, next, absolute));
  }
  if (!isMapping(value)) return value;
  for (const key of Object.keys(value)) {
    const next = stepInto(rules, key);
    if (next !== undefined) value[key] = walk(value[key] ?? null, next, absolute);
  }
  return value;
}

function resolveOne(rule: PathRule, value: Value, absolute: (path: string) => string): Value {
  switch (rule) {
    case "path":
      return typeof value === "string" ? absolute(value) : value;
    case "context":
      return typeof value === "string" && !isRemoteContext(value) ? absolute(value) : value;
    case "mount":
      if (isMapping(value) && value["type"] === "bind" && typeof value["source"] === "string") {
        value["source"] = absolute(value["source"]);
      }
      return value;
    case "volume": {
      const options = isMapping(value) && value["driver"] === "local" ? value["driver_opts"] : undefined;
      if (isMapping(options) && options["o"] === "bind" && typeof options["device"] === "string") {
        options["device"] = absolute(options["device"]);
      }
      return value;
    }
  }
}

/** A Git or HTTP address, another service's image, or any `scheme://` that the builder knows. */
function isRemoteContext(context: string): boolean {
  return context.includes("://") || /^(service:|github\.com\/|git@)/.test(context);
}
