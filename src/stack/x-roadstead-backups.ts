import { Cron } from "croner";
import { z } from "zod";
import { field, integer, share } from "./x-roadstead-values.ts";

/** `x-roadstead.backups`, with the texts that docs/x-roadstead.md is generated from. */

/** `false` switches the schedule off: backups are then made by hand only. */
const schedule = z.union([
  z.literal(false),
  z.string().refine(isSchedule, { error: "expected five fields of cron such as '0 3 * * *', or false" }),
]);

function isSchedule(text: string): boolean {
  if (text.trim().split(/\s+/).length !== 5 && !text.startsWith("@")) return false;
  try {
    return new Cron(text, { paused: true }).nextRun(new Date(0)) !== null;
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const kept = (standard: number, what: string) =>
  field(integer(0, 1000), { type: "number", default: String(standard), description: what });

const keepSchema = z.strictObject(
  {
    last: kept(3, "The newest verified ones, whenever they were made."),
    hourly: kept(0, "The newest of each of so many hours."),
    daily: kept(7, "The newest of each of so many days."),
    weekly: kept(4, "The newest of each of so many weeks."),
    monthly: kept(3, "The newest of each of so many months."),
  },
  { error: "expected a mapping of numbers" },
);

const hook = z
  .array(z.string().min(1), { error: "expected program and arguments as a list" })
  .min(1, { error: "expected a program" });

export const backupSourceSchema = z.strictObject(
  {
    priority: field(
      z.enum(["critical", "high", "medium", "low", "none"], {
        error: "expected critical, high, medium, low or none",
      }),
      {
        type: "critical, high, medium, low, none",
        default: "critical for databases, low for Redis and caches, medium for logs, else high",
        description:
          "What its loss means: the order of runs, and how loud a late backup is. `none`: no backups.",
      },
    ),
    checks: field(z.array(z.string().min(1).max(4000), { error: "expected a list of questions" }).max(50), {
      type: "list of statements",
      default: "none",
      description:
        "Asked of the restored copy, in the database's own language: each must answer with something true.",
      example: "['SELECT count(*) > 0 FROM users']",
    }),
    pointInTime: field(z.boolean({ error: "expected true or false" }), {
      type: "true or false",
      default: "false",
      description:
        "PostgreSQL: follows the server's own log all the time, so that every moment since the first base copy can be brought back.",
    }),
    before: field(hook, {
      type: "argv list",
      default: "none",
      description:
        "Run in a replica of the first service that uses a volume before its files are copied, e.g. to flush or freeze.",
      example: "[app, backup-mode, 'on']",
    }),
    after: field(hook, {
      type: "argv list",
      default: "none",
      description: "Run there once they are copied, also when the copy failed.",
    }),
    exclude: field(
      z
        .array(z.string().regex(/^[^/\n][^\n]*$/, { error: "expected a path below the volume" }), {
          error: "expected a list of paths",
        })
        .max(100),
      {
        type: "list of paths",
        default: "none",
        description: "Paths below a volume that stay out of its copies.",
        example: "[cache, tmp]",
      },
    ),
    sqlite: field(z.string().regex(/^[^/\n][^\n]*$/, { error: "expected a path below the volume" }), {
      type: "path below the volume",
      default: "none",
      description:
        "The volume holds this SQLite database: it is copied consistently, while it is being written.",
      example: "data/app.db",
    }),
  },
  { error: "expected a mapping" },
);

export const backupsSchema = z.strictObject(
  {
    repository: field(
      z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, { error: "expected the name of a repository" }),
      {
        type: "name",
        default: "the installation's default one",
        description: "Where the snapshots go: a repository of `roadstead backup repository`.",
      },
    ),
    schedule: field(schedule, {
      type: "cron or false",
      default: "0 3 * * *",
      description: "When; a run that was missed while the host was off is made up for once. Not in previews.",
    }),
    timeZone: field(z.string().refine(isTimeZone, { error: "expected a time zone such as Europe/Berlin" }), {
      type: "time zone",
      default: "UTC",
      description: "In which the schedule is meant.",
      example: "Europe/Berlin",
    }),
    keep: field(keepSchema, {
      type: "mapping",
      default: "see below",
      description: "How many snapshots stay. The last verified one always does.",
      example: "{daily: 7, weekly: 4}",
    }),
    shrunkBy: field(share(), {
      type: "share",
      default: "50%",
      description:
        "A snapshot that lost this share of its rows or files since the last verified one is suspect.",
    }),
    sources: field(z.record(z.string(), backupSourceSchema, { error: "expected a mapping of sources" }), {
      type: "mapping",
      default: "all that is found",
      description:
        "Service of a database, key of a volume, or `<service>.<folder>` of a host folder -> what differs.",
      example: "{db: {checks: ['SELECT count(*) > 0 FROM users']}, cache: {priority: none}}",
    }),
  },
  { error: "expected a mapping" },
);

export type BackupsSettings = z.output<typeof backupsSchema>;
