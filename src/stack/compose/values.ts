/** What a YAML document holds once aliases, tags and merge keys are resolved. Objects have no prototype keys of their own. */
export type Value = string | number | boolean | null | Value[] | Mapping;
export type Mapping = { [key: string]: Value };
export type Path = readonly (string | number)[];

export function isMapping(value: Value | undefined): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A mapping that cannot be confused by keys such as `__proto__`. */
export function newMapping(): Mapping {
  return Object.create(null) as Mapping;
}

/** `services.web.ports[0]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

export function cloneValue(value: Value): Value {
  if (Array.isArray(value)) return value.map(cloneValue);
  if (!isMapping(value)) return value;
  const copy = newMapping();
  for (const key of Object.keys(value)) copy[key] = cloneValue(value[key] ?? null);
  return copy;
}

export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalValues(item, b[index]));
  }
  if (!isMapping(a) || !isMapping(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => key in b && equalValues(a[key], b[key]))
  );
}

/** How the reference implementation prints a scalar when it needs text: `1.0` is `1`, tiny numbers take an exponent. */
export function textOf(value: Value | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberText(value);
  return JSON.stringify(value);
}

function numberText(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-4) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(value);
}

/** What kind of thing a value is, in words for messages. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a number";
  return typeof value === "boolean" ? "a boolean" : "a string";
}
