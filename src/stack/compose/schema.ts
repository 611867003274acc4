import composeSchema from "./compose-spec.schema.json" with { type: "json" };
import type { Tell } from "./report.ts";
import { suggest } from "./suggest.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { equalValues, isMapping, kindOf, textOf } from "./values.ts";

/** Exactly the subset of JSON Schema that the Compose Specification's schema uses. */
type Schema = {
  $ref?: string;
  type?: string | readonly string[];
  enum?: readonly (string | number | boolean | null)[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  patternProperties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean | Schema;
  required?: readonly string[];
  items?: Schema;
  uniqueItems?: boolean;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  $defs?: Readonly<Record<string, Schema>>;
};

const root = composeSchema as unknown as Schema;

/** Every key that a service may have, in the order of the schema. */
export const schemaServiceKeys: readonly string[] = Object.keys(root.$defs?.["service"]?.properties ?? {});

/** Tells everything in a Compose file that the specification's schema does not allow. */
export function validateModel(model: Value, tell: Tell): void {
  if (!isMapping(model)) {
    tell("INVALID_TYPE", `a Compose file is a mapping, this one is ${kindOf(model)}`, []);
    return;
  }
  validate(root, model, [], tell);
}

/** The same for one service, whose place in its file is `path`. */
export function validateService(service: Value, path: Path, tell: Tell): void {
  validate({ $ref: "#/$defs/service" }, service, path, tell);
}

const patterns = new Map<string, RegExp>();

function regexOf(pattern: string): RegExp {
  let regex = patterns.get(pattern);
  if (regex === undefined) {
    regex = new RegExp(pattern, "u");
    patterns.set(pattern, regex);
  }
  return regex;
}

function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  return root.$defs?.[name] ?? schema;
}

function validate(reference: Schema, value: Value, path: Path, tell: Tell): void {
  const schema = resolve(reference);
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) {
    validateBranches(branches, value, path, tell);
    return;
  }
  if (!hasType(schema, value)) {
    tell("INVALID_TYPE", `expected ${describe(schema)}, got ${shown(value)}`, path, typeFix(schema, value));
    return;
  }
  if (schema.enum && !schema.enum.some((allowed) => equalValues(allowed, value))) {
    const allowed = schema.enum.map(String);
    const near = suggest(textOf(value), allowed);
    tell(
      "INVALID_VALUE",
      `expected one of ${allowed.join(", ")}; got ${shown(value)}`,
      path,
      near && `did you mean \`${near}\`?`,
    );
  }
  if (typeof value === "string" && schema.pattern !== undefined && !regexOf(schema.pattern).test(value)) {
    tell("INVALID_VALUE", `${shown(value)} does not match ${schema.pattern}`, path);
  }
  if (typeof value === "number") validateNumber(schema, value, path, tell);
  if (Array.isArray(value)) validateList(schema, value, path, tell);
  if (isMapping(value)) validateMapping(schema, value, path, tell);
}

function validateNumber(schema: Schema, value: number, path: Path, tell: Tell): void {
  const { minimum, maximum } = schema;
  if (minimum !== undefined && value < minimum)
    tell("INVALID_VALUE", `expected at least ${minimum}, got ${value}`, path);
  if (maximum !== undefined && value > maximum)
    tell("INVALID_VALUE", `expected at most ${maximum}, got ${value}`, path);
}

function validateList(schema: Schema, list: readonly Value[], path: Path, tell: Tell): void {
  const items = schema.items;
  for (const [index, item] of items ? list.entries() : [])
    validate(items ?? {}, item, [...path, index], tell);
  if (!schema.uniqueItems) return;
  const seen = new Map<string, number>();
  list.forEach((item, index) => {
    const key = JSON.stringify(item);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else
      tell(
        "DUPLICATE_ITEM",
        `the same entry is already at position ${first}`,
        [...path, index],
        "remove one of them",
      );
  });
}

function validateMapping(schema: Schema, mapping: Mapping, path: Path, tell: Tell): void {
  for (const key of schema.required ?? []) {
    if (!(key in mapping)) tell("MISSING_KEY", `\`${key}\` is required here`, path, `add \`${key}\``);
  }
  const known = schema.properties ?? {};
  for (const key of Object.keys(mapping)) {
    const value = mapping[key] ?? null;
    const property = Object.hasOwn(known, key) ? known[key] : patternProperty(schema, key);
    if (property) validate(property, value, [...path, key], tell);
    else if (typeof schema.additionalProperties === "object")
      validate(schema.additionalProperties, value, [...path, key], tell);
    else if (schema.additionalProperties === false) tellUnknown(schema, key, path, tell);
  }
}

function patternProperty(schema: Schema, key: string): Schema | undefined {
  for (const [pattern, property] of Object.entries(schema.patternProperties ?? {})) {
    if (regexOf(pattern).test(key)) return property;
  }
  return undefined;
}

function tellUnknown(schema: Schema, key: string, path: Path, tell: Tell): void {
  const known = Object.keys(schema.properties ?? {});
  const where =
    path.length === 0
      ? "a Compose file"
      : path[0] === "services" && path.length === 2
        ? "a service"
        : "this place";
  const name =
    known.length === 0
      ? Object.keys(schema.patternProperties ?? {}).find((pattern) => pattern !== "^x-")
      : undefined;
  if (name !== undefined) {
    tell("INVALID_NAME", `\`${key}\` is not a valid name; expected ${name}`, [...path, key]);
    return;
  }
  const near = suggest(key, known);
  const fix = near
    ? `did you mean \`${near}\`?`
    : `allowed here: ${known.slice(0, 12).join(", ")}${known.length > 12 ? ", …" : ""}`;
  tell("UNKNOWN_KEY", `\`${key}\` is not a key of ${where}`, [...path, key], fix);
}

/** Of several forms the one of the value's kind speaks; when none is of that kind, all are named. */
function validateBranches(branches: readonly Schema[], value: Value, path: Path, tell: Tell): void {
  const fitting = branches.filter((branch) => hasType(resolve(branch), value));
  const [only] = fitting;
  if (only === undefined) {
    const expected = [...new Set(branches.map((branch) => describe(resolve(branch))))].join(" or ");
    tell("INVALID_TYPE", `expected ${expected}, got ${shown(value)}`, path);
    return;
  }
  if (fitting.length === 1) {
    validate(only, value, path, tell);
    return;
  }
  let fewest: [string, string, Path, string | undefined][] | undefined;
  for (const branch of fitting) {
    const told: [string, string, Path, string | undefined][] = [];
    validate(branch, value, path, (...problem) =>
      told.push([problem[0], problem[1], problem[2], problem[3]]),
    );
    if (fewest === undefined || told.length < fewest.length) fewest = told;
  }
  for (const problem of fewest ?? []) tell(...problem);
}

function hasType(schema: Schema, value: Value): boolean {
  if (schema.oneOf || schema.anyOf)
    return (schema.oneOf ?? schema.anyOf ?? []).some((branch) => hasType(resolve(branch), value));
  if (schema.type === undefined) return true;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  return types.some((type) => isOfType(type, value));
}

function isOfType(type: string, value: Value): boolean {
  switch (type) {
    case "object":
      return isMapping(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

const words: Readonly<Record<string, string>> = {
  object: "a mapping",
  array: "a list",
  string: "a string",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  null: "nothing",
};

function describe(schema: Schema): string {
  if (schema.oneOf || schema.anyOf) {
    return [...new Set((schema.oneOf ?? schema.anyOf ?? []).map((branch) => describe(resolve(branch))))].join(
      " or ",
    );
  }
  const types =
    schema.type === undefined ? [] : typeof schema.type === "string" ? [schema.type] : schema.type;
  return types.map((type) => words[type] ?? type).join(" or ") || "a value";
}

function shown(value: Value): string {
  if (typeof value === "object") return kindOf(value);
  const text = textOf(value);
  return `${kindOf(value)} (\`${text.length > 60 ? `${text.slice(0, 60)}…` : text}\`)`;
}

function typeFix(schema: Schema, value: Value): string | undefined {
  if (schema.type === "string" && (typeof value === "number" || typeof value === "boolean"))
    return `quote it: "${textOf(value)}"`;
  if (schema.type === "array" && typeof value === "string")
    return `write it as a list: ["${value.slice(0, 60)}"]`;
  return undefined;
}
