import { z } from "zod";
import { count, endpoint, list, name, names } from "./endpoint.ts";
import { scopeSchema } from "./models.ts";

const levels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
const streams = ["stdout", "stderr", "access", "platform"] as const;

const time = count({ min: 0, max: Number.MAX_SAFE_INTEGER }).exactOptional();

const scopeNames = names.refine(
  (scopes) => scopes.every((scope) => /^[^/]+\/[^/]+$/.test(scope)),
  "write stack/environment",
);

const filter = {
  /** `stack/environment`, several by commas. Absent: all that the caller may read. */
  scope: scopeNames.exactOptional(),
  service: names.exactOptional(),
  /** Id, and for one scope also `v3` or a label. */
  release: z.string().max(200).exactOptional(),
  replica: z.string().max(300).exactOptional(),
  stream: names.pipe(z.array(z.enum(streams))).exactOptional(),
  /** This bad or worse. */
  level: z.enum(levels).exactOptional(),
  /** Anywhere in the line; upper and lower case are the same unless it has an upper case letter. */
  text: z.string().max(500).exactOptional(),
  request: z.string().max(200).exactOptional(),
  since: time,
  until: time,
};

const keptLine = z
  .object({
    /** Orders lines; goes into `cursor` or `after`. */
    id: z.string(),
    at: z.number(),
    scope: scopeSchema,
    service: z.string(),
    release: z.string(),
    replica: z.string(),
    stream: z.enum(streams),
    level: z.enum(levels).exactOptional(),
    requestId: z.string().exactOptional(),
    text: z.string(),
  })
  .meta({ id: "KeptLine" });
export type KeptLineView = z.output<typeof keptLine>;

const fault = z
  .object({
    service: z.string(),
    message: z.string(),
    count: z.number(),
    before: z.number(),
    firstAt: z.number(),
    lastAt: z.number(),
    example: z.string(),
  })
  .meta({ id: "FaultCount" });
export type FaultView = z.output<typeof fault>;

export const logEndpoints = {
  search: endpoint({
    method: "GET",
    path: "/logs",
    needs: "read",
    on: "anywhere",
    summary: "Kept log lines, those of replicas that are gone too: one page, oldest line first.",
    query: z.object({
      ...filter,
      limit: count({ min: 1, max: 5000 }).default(200),
      /** Goes on backwards from here: `next` of the answer before. */
      cursor: z.string().max(400).exactOptional(),
      /** Goes on forwards from here: a line's `id`, or `next` of such an answer. */
      after: z.string().max(400).exactOptional(),
    }),
    response: z.object({
      lines: list(keptLine),
      /** Where the next page in the same direction begins; absent at the end. A short page need not be the last. */
      next: z.string().exactOptional(),
    }),
  }),
  follow: endpoint({
    method: "GET",
    path: "/logs/follow",
    needs: "read",
    on: "anywhere",
    summary: "The last kept lines and then new ones, one JSON object a line, without a gap or a double.",
    query: z.object({ ...filter, tail: count({ min: 0, max: 5000 }).default(100) }),
    stream: "ndjson",
    response: keptLine,
  }),
  errors: endpoint({
    method: "GET",
    path: "/logs/errors",
    needs: "read",
    on: "anywhere",
    summary: "Errors of one release that another had not, and the reverse, by message without what varies.",
    query: z.object({
      stack: name,
      environment: name,
      release: z.string().max(200),
      against: z.string().max(200),
      service: names.exactOptional(),
    }),
    response: z.object({
      release: z.string(),
      against: z.string(),
      appeared: list(fault),
      stayed: list(fault),
      vanished: list(fault),
      cut: z.boolean(),
    }),
  }),
};
