import type { z } from "zod";
import { PlatformError } from "../../lib/platform-error.ts";
import { ApiError, errorOf, unreachable } from "./client-error.ts";
import { apiPrefix, type Endpoint } from "./endpoint.ts";
import { errorSchema } from "./models.ts";
import { type ApiTable, apiTable } from "./table.ts";
import { linesOf, serverSentEventsOf } from "./text-streams.ts";

/** Where the control plane is: an origin such as `http://127.0.0.1:7700`. */
export type ClientOptions = {
  baseUrl: string;
  token?: string;
  /** @default the global one; a test or a Unix socket brings its own. */
  fetch?: typeof fetch;
  /** Time limit for answers that are not streams. @default 60_000 */
  timeoutMs?: number;
};

type None = Record<never, never>;
type Part<Key extends string, Schema> = Schema extends z.ZodType
  ? None extends z.input<Schema>
    ? { [K in Key]?: z.input<Schema> }
    : undefined extends z.input<Schema>
      ? { [K in Key]?: z.input<Schema> }
      : { [K in Key]: z.input<Schema> }
  : unknown;

type Field<E, Key extends keyof Endpoint> = E extends { [K in Key]: infer Value } ? Value : undefined;

export type CallInput<E extends Endpoint> = Part<"params", Field<E, "params">> &
  Part<"query", Field<E, "query">> &
  Part<"body", Field<E, "body">> & {
    signal?: AbortSignal;
    /** Server-sent events after this id only. */
    lastEventId?: string;
  };

type Answer<E extends Endpoint> = E extends { stream: "sse" | "ndjson" }
  ? AsyncIterable<z.output<E["response"]>>
  : Promise<z.output<E["response"]>>;

type Call<E extends Endpoint> =
  None extends CallInput<E> ? (input?: CallInput<E>) => Answer<E> : (input: CallInput<E>) => Answer<E>;

/** One function per endpoint: `client.deployments.create({ params, body })`. Streams are async iterables. */
export type ApiClient = {
  [Group in keyof ApiTable]: {
    [Name in keyof ApiTable[Group] as ApiTable[Group][Name] extends { stream: "upgrade" }
      ? never
      : Name]: ApiTable[Group][Name] extends Endpoint ? Call<ApiTable[Group][Name]> : never;
  };
};

type AnyInput = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
  lastEventId?: string;
};

/**
 * The typed client of the whole API. Failures are `ApiError`s with the server's code, hint and problems, or a
 * `PlatformError` `API_UNREACHABLE` / `API_TIMED_OUT` when there was no answer.
 */
export function createClient(options: ClientOptions): ApiClient {
  const groups: Record<string, Record<string, unknown>> = {};
  for (const [group, endpoints] of Object.entries(apiTable)) {
    const calls: Record<string, unknown> = {};
    for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
      if (endpoint.stream === "upgrade") continue;
      calls[name] = endpoint.stream
        ? (input: AnyInput = {}) => streamOf(options, endpoint, input)
        : (input: AnyInput = {}) => answerOf(options, endpoint, input);
    }
    groups[group] = calls;
  }
  return groups as ApiClient;
}

async function answerOf(options: ClientOptions, endpoint: Endpoint, input: AnyInput): Promise<unknown> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  const signal = input.signal ? AbortSignal.any([input.signal, limit]) : limit;
  const response = await send(options, endpoint, { ...input, signal });
  try {
    return await response.json();
  } catch (error) {
    throw translated(error, options, input.signal);
  }
}

async function* streamOf(
  options: ClientOptions,
  endpoint: Endpoint,
  input: AnyInput,
): AsyncGenerator<unknown, void, undefined> {
  const response = await send(options, endpoint, input);
  if (!response.body) return;
  const items = endpoint.stream === "sse" ? serverSentEventsOf(response.body) : linesOf(response.body);
  try {
    for await (const text of items) {
      if (text === "") continue;
      const item: unknown = JSON.parse(text);
      const failed = errorSchema.safeParse(item);
      if (failed.success) throw new ApiError(200, failed.data.error);
      yield item;
    }
  } catch (error) {
    throw translated(error, options, input.signal);
  }
}

async function send(options: ClientOptions, endpoint: Endpoint, input: AnyInput): Promise<Response> {
  const headers: Record<string, string> = { accept: acceptOf(endpoint) };
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  if (input.lastEventId !== undefined) headers["last-event-id"] = input.lastEventId;
  if (input.body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await (options.fetch ?? fetch)(urlOf(options.baseUrl, endpoint, input), {
      method: endpoint.method,
      headers,
      redirect: "error",
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    });
    if (!response.ok) throw await errorOf(response);
    return response;
  } catch (error) {
    throw translated(error, options, input.signal);
  }
}

function acceptOf(endpoint: Endpoint): string {
  if (endpoint.stream === "sse") return "text/event-stream";
  return endpoint.stream === "ndjson" ? "application/x-ndjson" : "application/json";
}

/** The caller's own abort is passed on as it is; a transport failure becomes one of ours. */
function translated(error: unknown, options: ClientOptions, signal: AbortSignal | undefined): unknown {
  if (error instanceof PlatformError) return error;
  if (signal?.aborted) return signal.reason;
  if (error instanceof DOMException && error.name === "TimeoutError")
    return new PlatformError("API_TIMED_OUT", `${options.baseUrl} did not answer in time`, {
      hint: "The control plane may be overloaded; `roadstead status` shows whether it still works.",
      cause: error,
    });
  return unreachable(options.baseUrl, error);
}

/** The whole URL of a call; values are escaped, lists joined by commas. */
export function urlOf(
  baseUrl: string,
  endpoint: Pick<Endpoint, "path">,
  input: { params?: Record<string, string>; query?: Record<string, unknown> },
): string {
  const path = endpoint.path.replace(/:(\w+)/g, (_, key: string) =>
    encodeURIComponent(input.params?.[key] ?? ""),
  );
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}${apiPrefix}${path}`);
  for (const [key, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined)
      url.searchParams.set(key, Array.isArray(value) ? value.join(",") : String(value));
  }
  return url.href;
}
