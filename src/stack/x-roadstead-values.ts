import { z } from "zod";
import { parseBytes } from "../lib/bytes.ts";
import { parseDuration } from "../lib/duration.ts";

/** What docs/x-roadstead.md says about a field besides its name. */
export type FieldDoc = { description: string; type: string; default: string; example?: string };

/** Documents a field; every field of `x-roadstead` has this, a unit test checks it. */
export function field<S extends z.ZodType>(schema: S, doc: FieldDoc): z.ZodOptional<S> {
  return schema.optional().meta({ ...doc });
}

/** Seconds of `30s`, `1m30s`, `2h`, `7d`, or of a plain number. */
export function duration() {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const seconds =
      typeof value === "number" ? value : /^\d+$/.test(value) ? Number(value) : parseDuration(value);
    if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) {
      context.addIssue(`${JSON.stringify(value)} is not a duration; expected one like 30s, 5m or 1h30m`);
      return z.NEVER;
    }
    return seconds;
  });
}

/** Bytes of `10m`, `1.5gb` or a plain number. */
export function size() {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const bytes = typeof value === "number" ? value : parseBytes(value);
    if (bytes === undefined || bytes <= 0) {
      context.addIssue(`${JSON.stringify(value)} is not a size; expected one like 512k, 10m or 1gb`);
      return z.NEVER;
    }
    return bytes;
  });
}

/** A share between 0 and 1 of `1%` or `0.01`. */
export function share() {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(String(value).trim());
    const result = match ? Number(match[1]) / (match[2] === "%" ? 100 : 1) : Number.NaN;
    if (!(result >= 0 && result <= 1)) {
      context.addIssue(`${JSON.stringify(value)} is not a share; expected one like 1% or 0.01`);
      return z.NEVER;
    }
    return result;
  });
}

/** A whole number; also as text, because an interpolated variable is always text. */
export function integer(minimum: number, maximum: number) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const result =
      typeof value === "number" ? value : /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
    if (!Number.isInteger(result) || result < minimum || result > maximum) {
      context.addIssue(
        `${JSON.stringify(value)} is not a whole number between ${minimum} and ${maximum.toLocaleString("en")}`,
      );
      return z.NEVER;
    }
    return result;
  });
}

export function port() {
  return integer(1, 65_535);
}

/** true or false; also as text, because an interpolated variable is always text. */
export function flag() {
  return z
    .union([z.boolean(), z.enum(["true", "false"])], { error: "expected true or false" })
    .transform((value) => value === true || value === "true");
}

/** Lower case, no port; `*.example.com` and `*` are allowed. */
export function host() {
  return z.string().transform((text, context) => {
    const name = text.trim().toLowerCase();
    const label = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
    if (name === "*" || (name.length <= 253 && new RegExp(`^(\\*\\.)?(${label}\\.)*${label}$`).test(name))) {
      return name;
    }
    context.addIssue(`${JSON.stringify(text)} is not a host name; expected one like api.example.com`);
    return z.NEVER;
  });
}

/** Starts with one slash; no query, no fragment, no `..`, no trailing slash except for `/` itself. */
export function urlPath() {
  return z.string().transform((text, context) => {
    const problem = !text.startsWith("/") || /[\s?#]|\/\/|\/\.\.?(\/|$)/.test(text);
    if (problem) {
      context.addIssue(`${JSON.stringify(text)} is not a path; expected one like /api, without query or ..`);
      return z.NEVER;
    }
    return text === "/" ? text : text.replace(/\/$/, "");
  });
}

/** An argv list. A plain text would need a shell to take it apart, and there may be none in the image. */
export function argv() {
  return z
    .array(z.union([z.string(), z.number().transform(String)]), {
      error: 'expected a list like [node, migrate.js]; for shell syntax write [sh, -c, "…"]',
    })
    .min(1, { error: "expected at least the program to run" });
}

/** `GET /path 200` taken apart into the long form; anything else is passed on for the schema to judge. */
export function expandSmoke(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const match = /^(?:([A-Za-z]+)\s+)?(\/\S*)(?:\s+(\d{3}))?$/.exec(value.trim());
  if (!match) return value;
  return { request: `${match[1] ?? "GET"} ${match[2]}`, ...(match[3] ? { status: Number(match[3]) } : {}) };
}

/** `host`, `host/path` or `/path` taken apart into the long form; a scheme is dropped, the edge decides about TLS. */
export function expandRoute(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim().replace(/^https?:\/\//i, "");
  const slash = text.indexOf("/");
  if (slash < 0) return { host: text };
  return { host: text.slice(0, slash), path: text.slice(slash) };
}
