import { substitute } from "./compose/interpolate.ts";
import { isMapping, type Path, type Value } from "./compose/values.ts";
import { parseYamlSource } from "./compose/yaml-source.ts";

/** A variable that Compose files ask for. */
export type VariableReference = {
  name: string;
  /** `${X:?}` somewhere: nothing is deployed without it. */
  required: boolean;
  /** Every place that uses it says what counts without it. */
  hasDefault: boolean;
  /** Services that have it in their settings, in the order of the files. */
  services: readonly string[];
};

type Found = { required: boolean; hasDefault: boolean; services: Set<string> };

/** All variables of the Compose files among these texts, by name: what an environment has to set, and for whom. */
export function variableReferences(texts: Readonly<Record<string, string>>): VariableReference[] {
  const found = new Map<string, Found>();
  for (const [path, text] of Object.entries(texts)) {
    if (!/\.ya?ml$/i.test(path)) continue;
    for (const { value } of parseYamlSource(path, text).documents) walk(value, [], found);
  }
  return [...found]
    .map(([name, { services, ...facts }]) => ({ name, ...facts, services: [...services] }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function walk(value: Value, path: Path, found: Map<string, Found>): void {
  const passedOn = passedOnName(value, path);
  if (passedOn !== undefined) note(found, passedOn, path, { required: false, hasDefault: true });
  else if (typeof value === "string") walkText(value, path, found);
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) walk(item, [...path, index], found);
  else if (isMapping(value))
    for (const key of Object.keys(value)) walk(value[key] ?? null, [...path, key], found);
}

/** `environment: [NAME]` or `environment: {NAME: }` takes the variable as it is, or leaves it out. */
function passedOnName(value: Value, path: Path): string | undefined {
  if (path[0] !== "services" || path[2] !== "environment" || path.length !== 4) return undefined;
  const key = path[3];
  if (typeof key === "string") return value === null ? key : undefined;
  return typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) ? value : undefined;
}

function walkText(text: string, path: Path, found: Map<string, Found>): void {
  if (!text.includes("$")) return;
  const names: string[] = [];
  const unset = new Set<string>();
  const required = new Set<string>();
  const lookup = (name: string): undefined => {
    names.push(name);
    return undefined;
  };
  substitute(text, lookup, (fault) => {
    if (fault.kind === "unset") unset.add(fault.variable);
    if (fault.kind === "required") required.add(fault.variable);
  });
  for (const name of names)
    note(found, name, path, {
      required: required.has(name),
      hasDefault: !unset.has(name) && !required.has(name),
    });
}

function note(
  found: Map<string, Found>,
  name: string,
  path: Path,
  { required, hasDefault }: { required: boolean; hasDefault: boolean },
): void {
  const known = found.get(name) ?? { required: false, hasDefault: true, services: new Set<string>() };
  const service = path[0] === "services" ? path[1] : undefined;
  if (typeof service === "string") known.services.add(service);
  found.set(name, {
    services: known.services,
    required: known.required || required,
    hasDefault: known.hasDefault && hasDefault,
  });
}
