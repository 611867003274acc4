import { canonicalBytes, canonicalDuration, shortestFloat32 } from "./go-values.ts";
import type { Tell } from "./report.ts";
import { splitShellWords } from "./shell-words.ts";
import type { Path, Value } from "./values.ts";
import { isMapping, kindOf, newMapping, textOf } from "./values.ts";

/**
 * One value in the form that the reference implementation prints. `undefined`: the value is empty and its key is left
 * out. A value that cannot have the form is told as a problem.
 */
export type Form = (value: Value, path: Path, tell: Tell) => Value | undefined;

function wrong(expected: string, value: Value, path: Path, tell: Tell, fix?: string): undefined {
  const shown = typeof value === "object" ? kindOf(value) : `\`${textOf(value)}\``;
  tell("INVALID_VALUE", `expected ${expected}, got ${shown}`, path, fix);
  return undefined;
}

export const text: Form = (value) => (value === null || value === "" ? undefined : textOf(value));

export const flag: Form = (value, path, tell) => (keptFlag(value, path, tell) === true ? true : undefined);

/** A boolean that is printed even when false. */
export const keptFlag: Form = (value, path, tell) => {
  if (value === null) return undefined;
  if (typeof value === "boolean") return value;
  const known = { true: true, y: true, yes: true, on: true, false: false, n: false, no: false, off: false };
  const word = textOf(value).toLowerCase();
  if (word in known) return known[word as keyof typeof known];
  return wrong("true or false", value, path, tell);
};

export const keptInteger: Form = (value, path, tell) => {
  if (value === null) return undefined;
  const number = typeof value === "string" && /^[-+]?\d+$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number)) return number;
  return wrong("an integer", value, path, tell);
};

/** Permission bits as octal text; text is taken as octal, a YAML number as what it is. */
export const fileMode: Form = (value, path, tell) => {
  if (value === null) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return `0${value.toString(8)}`;
  if (typeof value === "string" && /^0?o?[0-7]{1,5}$/.test(value))
    return `0${Number.parseInt(value.replace("o", ""), 8).toString(8)}`;
  return wrong("permission bits such as 0440", value, path, tell);
};

export const integer: Form = (value, path, tell) => keptInteger(value, path, tell) || undefined;

export const decimal: Form = (value, path, tell) => {
  if (value === null) return undefined;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return wrong("a number", value, path, tell);
  return shortestFloat32(number) || undefined;
};

export const bytes: Form = (value, path, tell) => {
  if (value === null) return undefined;
  const size = typeof value === "string" || typeof value === "number" ? canonicalBytes(value) : undefined;
  if (size === undefined)
    return wrong("a size such as `512m` or `1gb`", value, path, tell, "write a number with b, k, m or g");
  return size === "0" ? undefined : size;
};

/** A duration that is printed even when it is zero. */
export const keptDuration: Form = (value, path, tell) => {
  if (value === null) return undefined;
  const duration = canonicalDuration(textOf(value));
  if (duration !== undefined) return duration;
  return wrong(
    "a duration such as `30s` or `1m30s`",
    value,
    path,
    tell,
    typeof value === "number" ? `write ${value}s` : undefined,
  );
};

export const duration: Form = (value, path, tell) => {
  const kept = keptDuration(value, path, tell);
  return kept === "0s" ? undefined : kept;
};

export const texts: Form = (value) => {
  const list = Array.isArray(value) ? value : value === null ? [] : [value];
  return list.length === 0 ? undefined : list.map(textOf);
};

/** `{a: 1}` or `["a=1"]` as a mapping of texts. */
export const textMap: Form = (value) => {
  const mapping = newMapping();
  for (const [key, item] of entriesOf(value)) mapping[key] = textOf(item);
  return Object.keys(mapping).length === 0 ? undefined : mapping;
};

/** The same, where a key without a value stays null. */
export const variables: Form = (value) => {
  const mapping = newMapping();
  for (const [key, item] of entriesOf(value)) mapping[key] = item === null ? null : textOf(item);
  return Object.keys(mapping).length === 0 ? undefined : mapping;
};

function entriesOf(value: Value): [string, Value][] {
  if (isMapping(value)) return Object.entries(value);
  if (!Array.isArray(value)) return [];
  return value.map((entry) => {
    const item = textOf(entry);
    const at = item.indexOf("=");
    return at < 0 ? [item, null] : [item.slice(0, at), item.slice(at + 1)];
  });
}

/** A command: null when absent, a list otherwise; text is split like a shell would. */
export const command: Form = (value, path, tell) => {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(textOf);
  const words = splitShellWords(textOf(value));
  if (Array.isArray(words)) return words;
  tell("INVALID_COMMAND", words.problem, path, "write the command as a list");
  return null;
};

export const healthTest: Form = (value) => {
  if (value === null) return undefined;
  if (!Array.isArray(value)) return ["CMD-SHELL", textOf(value)];
  return value.length === 0 ? undefined : value.map(textOf);
};

/** `extra_hosts` as a sorted list of `host=address`. */
export const hosts: Form = (value, path, tell) => {
  const byHost = new Map<string, string[]>();
  for (const [host, addresses] of hostEntries(value, path, tell)) {
    if (host === "" || /[:=]/.test(host)) wrong("HOST=ADDRESS", host, path, tell);
    byHost.set(host, [
      ...(byHost.get(host) ?? []),
      ...addresses.map((one) => /^\[(.+)\]$/.exec(one)?.[1] ?? one),
    ]);
  }
  const lines = [...byHost].flatMap(([host, addresses]) => addresses.map((address) => `${host}=${address}`));
  return lines.length === 0 ? undefined : lines.sort();
};

function hostEntries(value: Value, path: Path, tell: Tell): [string, string[]][] {
  if (isMapping(value)) {
    return Object.entries(value).map(([host, item]) => [
      host,
      Array.isArray(item) ? item.map(textOf) : [textOf(item)],
    ]);
  }
  return (Array.isArray(value) ? value : []).flatMap((entry, index): [string, string[]][] => {
    const line = textOf(entry);
    const at = line.includes("=") ? line.indexOf("=") : line.indexOf(":");
    if (at >= 0) return [[line.slice(0, at), line.slice(at + 1).split(",")]];
    wrong("HOST=ADDRESS", entry, [...path, index], tell);
    return [];
  });
}

export const deviceCount: Form = (value, path, tell) => {
  if (textOf(value).toLowerCase() === "all") return -1;
  return integer(value, path, tell);
};

/** A mapping with these fields; keys that start with `x-` are kept as they are. Empty mappings are kept. */
export function object(fields: Readonly<Record<string, Form>>, always: readonly string[] = []): Form {
  return (value, path, tell) => {
    if (value === null && always.length === 0) return undefined;
    const source = isMapping(value) ? value : newMapping();
    const shaped = newMapping();
    for (const key of always) shaped[key] = fields[key]?.(source[key] ?? null, [...path, key], tell) ?? null;
    for (const key of Object.keys(source)) {
      const item = source[key] ?? null;
      const form = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (form === undefined && !key.startsWith("x-")) continue;
      const result = form === undefined ? item : form(item, [...path, key], tell);
      if (result !== undefined) shaped[key] = result;
    }
    return shaped;
  };
}

/** A list of such values; left out when empty. */
export function listOf(form: Form): Form {
  return (value, path, tell) => {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    return value.map((item, index) => form(item, [...path, index], tell) ?? null);
  };
}

/** A mapping from free names to such values; left out when empty. `null` entries stay null. */
export function mapOf(form: Form): Form {
  return (value, path, tell) => {
    if (!isMapping(value)) return undefined;
    const shaped = newMapping();
    for (const key of Object.keys(value)) {
      const item = value[key] ?? null;
      shaped[key] = item === null ? null : (form(item, [...path, key], tell) ?? null);
    }
    return Object.keys(shaped).length === 0 ? undefined : shaped;
  };
}
