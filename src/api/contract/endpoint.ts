import { z } from "zod";
import type { Permission } from "../../policy/permissions.ts";

/**
 * One endpoint as data. The server makes a route and its OpenAPI entry of it, the client a typed function: neither can
 * drift from the other.
 */
export type Endpoint = {
  method: "GET" | "POST" | "DELETE";
  /** Below `/api/v1`; parameters as `:name`. */
  path: string;
  /** One sentence for the OpenAPI document and the client's reader. */
  summary: string;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  /** The JSON answer; for a stream, one item of it. */
  response: z.ZodType;
  /** Status of success. @default 200 */
  status?: 200 | 201 | 202;
  /**
   * `sse`: server-sent events whose `event` is the item's `type` and whose `id` resumes. `ndjson`: one JSON item a
   * line. A failure after the start is the last item, `{error}`. `upgrade`: a WebSocket, see exec-frames.ts.
   */
  stream?: "sse" | "ndjson" | "upgrade";
  /** Needs no token. @default false */
  anonymous?: boolean;
  /** What the caller must be allowed to do; every endpoint that is not `anonymous` says it. */
  needs?: Permission;
  /** On what. @default `scope` where the path begins with a stack and an environment, else `platform` */
  on?: Subject;
};

/**
 * What a permission must be held on. `scope`: stack and environment of the path. `source`: all of the stack of the
 * path's `:source`. `run`, `deployment`, `freeze`: where the one with the path's `:id` belongs. `platform`: everywhere.
 * `anywhere`: on anything at all; the handler then shows, or changes, only what `call.may` or `call.demand` allows.
 */
export type Subject = "scope" | "source" | "run" | "deployment" | "freeze" | "platform" | "anywhere";

/** What the permission of an endpoint must be held on. */
export function subjectOf({ on, path }: Pick<Endpoint, "on" | "path">): Subject {
  return on ?? (path.startsWith("/stacks/:stack/:environment") ? "scope" : "platform");
}

/** Keeps the literal types of the definition, so that the client can infer from them. */
export function endpoint<const E extends Endpoint>(definition: E): E {
  return definition;
}

export const apiPrefix = "/api/v1";

/** An array that the domain's read-only ones fit into. */
export function list<S extends z.ZodType>(item: S): z.ZodType<readonly z.output<S>[], readonly z.input<S>[]> {
  return z.array(item) as unknown as z.ZodType<readonly z.output<S>[], readonly z.input<S>[]>;
}

/** A query value: `a,b` or an array. */
export const names = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : value.split(",")).filter((name) => name !== ""));

/** A query value: `true` or `false`. */
export const flag = z
  .union([z.boolean(), z.enum(["true", "false"])])
  .transform((value) => value === true || value === "true");

/** A whole number in a query. */
export function count(limits: { min: number; max: number }): z.ZodType<number, number | string> {
  return z.coerce.number<number | string>().int().min(limits.min).max(limits.max);
}

/** Stack and service names as Compose allows them; environment names likewise. */
export const name = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
    "1 to 63 letters, digits, `_`, `.`, `-`, starting with a letter or digit",
  );

export const scopeParams = z.object({ stack: name, environment: name });
