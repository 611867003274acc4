import { z } from "zod";
import { cleanPath } from "../lib/posix-path.ts";
import { duration } from "./x-roadstead-values.ts";

/** What fields of `x-roadstead.pipeline` may hold. */

/** `true` and a list of branches in the long form. */
export function expandRefs(value: unknown): unknown {
  if (value === true || value === "true") return {};
  return Array.isArray(value) ? { branches: value } : value;
}

/** A duration that is not zero. */
export function positive() {
  return duration().refine((seconds) => seconds > 0, { error: "expected more than 0s" });
}

/** Relative and inside the repository; with `home` also `~/…`. */
export function relativeFolder({ home = false } = {}) {
  return z.string().transform((text, context) => {
    const inHome = home && text.startsWith("~/");
    const path = cleanPath(inHome ? text.slice(2) : text);
    if (
      path.startsWith("/") ||
      path === ".." ||
      path.startsWith("../") ||
      (!inHome && path.startsWith("~"))
    ) {
      context.addIssue(`${JSON.stringify(text)} is not a path inside the repository`);
      return z.NEVER;
    }
    return inHome ? `~/${path}` : path;
  });
}

/** Names that a shell takes; numbers and booleans as text. */
export function variables() {
  const value = z.union([z.string(), z.number().transform(String), z.boolean().transform(String)], {
    error: "expected a text",
  });
  return z
    .record(z.string(), value, { error: "expected a mapping of variables" })
    .superRefine((all, context) => {
      for (const name of Object.keys(all)) {
        if (!/^[A-Za-z_]\w*$/.test(name))
          context.addIssue({
            code: "custom",
            path: [name],
            message: `${JSON.stringify(name)} is not a variable's name`,
          });
      }
    });
}

/** `postgres:17` taken apart. */
export function jobService() {
  return z.string().transform((text, context) => {
    const match = /^(postgres|redis)(?::(\d+(?:\.\d+){0,2}))?$/.exec(text.trim());
    if (!match) {
      context.addIssue(
        `${JSON.stringify(text)} is not offered; expected postgres, postgres:17, redis or redis:7`,
      );
      return z.NEVER;
    }
    const kind = match[1] === "redis" ? ("redis" as const) : ("postgres" as const);
    return { kind, version: match[2] ?? (kind === "redis" ? "7" : "17") };
  });
}

/** A number of cores; also as text, because an interpolated variable is always text. */
export function cpus() {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const result = Number(value);
    if (!(result > 0 && result <= 1024)) {
      context.addIssue(`${JSON.stringify(value)} is not a number of cores; expected one like 0.5 or 2`);
      return z.NEVER;
    }
    return result;
  });
}

const cronFields = [
  { name: "minute", from: 0, to: 59 },
  { name: "hour", from: 0, to: 23 },
  { name: "day of month", from: 1, to: 31 },
  { name: "month", from: 1, to: 12 },
  { name: "day of week", from: 0, to: 7 },
] as const;

/** Five fields of numbers, ranges, steps and lists, with single blanks between them. */
export function cron() {
  return z.string().transform((text, context) => {
    const fields = text.trim().split(/\s+/);
    const wrong = cronFields.find((rule, index) => !isCronField(fields[index] ?? "", rule));
    if (fields.length === cronFields.length && wrong === undefined) return fields.join(" ");
    const where =
      fields.length === cronFields.length ? `its ${wrong?.name} is wrong` : "it needs five fields";
    context.addIssue(
      `${JSON.stringify(text)} is not a cron expression: ${where}; expected one like "0 3 * * *"`,
    );
    return z.NEVER;
  });
}

function isCronField(text: string, { from, to }: { from: number; to: number }): boolean {
  return text.split(",").every((part) => {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) return false;
    const first = match[1] === undefined ? from : Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    return first >= from && last <= to && first <= last && match[3] !== "0";
  });
}

const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** `mon` or `monday`; 0 is Sunday. */
export function dayOfWeek() {
  return z.string().transform((text, context) => {
    const day = days.findIndex((name) => text.toLowerCase().startsWith(name));
    if (day >= 0 && /^(?:...|\w+day)$/.test(text)) return day;
    context.addIssue(`${JSON.stringify(text)} is not a day; expected one of ${days.join(", ")}`);
    return z.NEVER;
  });
}

/** Minutes after midnight of `HH:MM`. */
export function timeOfDay() {
  return z.string({ error: "expected a time like '02:00', in quotes" }).transform((text, context) => {
    const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
    if (hours !== undefined && minutes !== undefined) return Number(hours) * 60 + Number(minutes);
    context.addIssue(`${JSON.stringify(text)} is not a time; expected one like "02:00"`);
    return z.NEVER;
  });
}
