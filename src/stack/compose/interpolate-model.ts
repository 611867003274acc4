import type { Lookup } from "./interpolate.ts";
import { substitute } from "./interpolate.ts";
import type { Tell } from "./report.ts";
import type { RuleTree } from "./rules.ts";
import { stepInto } from "./rules.ts";
import type { Cast } from "./type-casts.ts";
import { castRules, castText } from "./type-casts.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { isMapping, newMapping } from "./values.ts";

type Scope = { lookup: Lookup; error: Tell; warn: Tell };

/** Replaces variables in every value (never in keys) and casts what came out to the type of its key. */
export function interpolateModel(model: Mapping, scope: Scope): Mapping {
  const result = newMapping();
  for (const key of Object.keys(model)) {
    result[key] = walk(model[key] ?? null, [key], stepInto(castRules, key), scope);
  }
  return result;
}

function walk(value: Value, path: Path, casts: RuleTree<Cast> | undefined, scope: Scope): Value {
  if (typeof value === "string") return interpolateText(value, path, casts?.rule, scope);
  if (Array.isArray(value)) {
    const next = stepInto(casts, "*");
    return value.map((item, index) => walk(item, [...path, index], next, scope));
  }
  if (!isMapping(value)) return value;
  const result = newMapping();
  for (const key of Object.keys(value)) {
    result[key] = walk(value[key] ?? null, [...path, key], stepInto(casts, key), scope);
  }
  return result;
}

function interpolateText(value: string, path: Path, cast: Cast | undefined, scope: Scope): Value {
  let failed = false;
  const replaced = substitute(value, scope.lookup, (fault) => {
    if (fault.kind === "unset") {
      scope.warn(
        "VARIABLE_NOT_SET",
        `the variable \`${fault.variable}\` is not set; a blank string is used`,
        path,
        `set it, or write \${${fault.variable}:-default}`,
      );
      return;
    }
    failed = true;
    if (fault.kind === "required") {
      const reason = fault.reason === "" ? "" : `: ${fault.reason}`;
      scope.error(
        "VARIABLE_REQUIRED",
        `the required variable \`${fault.variable}\` is not set${reason}`,
        path,
        `set ${fault.variable} in the environment or in .env`,
      );
    } else {
      scope.error(
        "INVALID_INTERPOLATION",
        `\`${fault.text.slice(0, 80)}\` is not a variable reference`,
        path,
        `write \${NAME}, or $$ for a dollar sign`,
      );
    }
  });
  if (cast === undefined || failed) return replaced;
  const typed = castText(cast, replaced);
  if (typed !== undefined) return typed;
  const article = cast === "integer" ? "an" : "a";
  scope.error("INVALID_TYPE", `expected ${article} ${cast}, got \`${replaced}\``, path);
  return replaced;
}
