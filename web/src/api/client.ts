import type { z } from "zod";
import type { alertEndpoints } from "../../../src/api/contract/alerts.ts";
import type { notifyEndpoints } from "../../../src/api/contract/notify.ts";
import type { overviewEndpoints } from "../../../src/api/contract/overview.ts";
import type { ApiTable } from "../../../src/api/contract/table.ts";

/**
 * The API as the contract says it, without its schemas at run time: a route is named by its method and path, and what
 * goes in and comes out follows from the server's own definition.
 */
type Any =
  | ApiTable[keyof ApiTable]
  | typeof alertEndpoints
  | typeof notifyEndpoints
  | typeof overviewEndpoints;
type EndpointOf<Group> = Group extends unknown ? Group[keyof Group] : never;
type Listed = EndpointOf<Any>;
type RouteOf<E> = E extends { method: infer M extends string; path: infer P extends string }
  ? `${M} ${P}`
  : never;
export type Routes = { [E in Listed as RouteOf<E>]: E };
export type Route = keyof Routes;

type Input<E, Key extends string> = E extends { [K in Key]: infer S extends z.ZodType }
  ? z.input<S>
  : undefined;
export type CallInput<R extends Route> = {
  params?: Input<Routes[R], "params">;
  query?: Input<Routes[R], "query">;
  body?: Input<Routes[R], "body">;
  signal?: AbortSignal;
};
export type Answer<R extends Route> = Routes[R] extends { response: infer S extends z.ZodType }
  ? z.output<S>
  : never;

/** A refusal of the API, or no answer at all (`status` 0), with what the operator can do about it. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly problems: readonly { path: string; message: string }[];

  constructor(
    status: number,
    error: {
      code: string;
      message: string;
      hint?: string | undefined;
      problems?: readonly { path: string; message: string }[];
    },
  ) {
    super(error.message);
    this.name = "ApiFailure";
    this.status = status;
    this.code = error.code;
    this.hint = error.hint;
    this.problems = error.problems ?? [];
  }
}

const tokenKey = "roadstead-token";

/** A token that the operator pasted; kept for this tab only. */
export function pastedToken(): string | undefined {
  return sessionStorage.getItem(tokenKey) ?? undefined;
}

export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, token);
}

type LooseInput = { params?: unknown; query?: unknown; body?: unknown; signal?: AbortSignal | undefined };

const answerLimitMs = 60_000;

export async function call<R extends Route>(route: R, input: CallInput<R> = {}): Promise<Answer<R>> {
  const limit = AbortSignal.timeout(answerLimitMs);
  const signal = input.signal ? AbortSignal.any([input.signal, limit]) : limit;
  const response = await send(route, { ...input, signal });
  return (await response.json()) as Answer<R>;
}

/** The items of a stream, server-sent events or one JSON document a line, until it ends or `signal` does. */
export async function* stream<R extends Route>(
  route: R,
  input: CallInput<R> = {},
): AsyncGenerator<Answer<R>, void, undefined> {
  const response = await send(route, input);
  if (!response.body) return;
  const events = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  for await (const line of linesOf(response.body)) {
    const text = events ? (line.startsWith("data:") ? line.slice(5) : "") : line;
    if (text.trim() === "") continue;
    const item: unknown = JSON.parse(text);
    const { error } = item as { error?: { code: string; message: string; hint?: string } };
    if (error?.code !== undefined) throw new ApiFailure(200, error);
    yield item as Awaited<Answer<R>>;
  }
}

async function send(route: string, input: LooseInput): Promise<Response> {
  const [method = "GET", path = "/"] = route.split(" ");
  const headers: Record<string, string> = {
    accept: "application/json, text/event-stream, application/x-ndjson",
  };
  const token = pastedToken();
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  if (input.body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET") headers["x-roadstead-request"] = "1";
  const response = await fetch(urlOf(path, input), {
    method,
    headers,
    credentials: "same-origin",
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  }).catch((error: unknown) => {
    if (input.signal?.aborted) throw error;
    throw new ApiFailure(0, {
      code: "API_UNREACHABLE",
      message: "The control plane does not answer.",
      hint: "Services go on without it. On the host: `./roadstead up` starts it again; this page then continues by itself.",
    });
  });
  if (!response.ok) throw await failureOf(response);
  return response;
}

async function failureOf(response: Response): Promise<ApiFailure> {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint?: string } };
    return new ApiFailure(response.status, error);
  } catch {
    return new ApiFailure(response.status, {
      code: "API_ANSWER_UNKNOWN",
      message: `The answer ${response.status} did not come from Roadstead.`,
    });
  }
}

/** The address of a call; values are escaped, lists joined by commas. */
export function urlOf(path: string, { params, query }: LooseInput): string {
  const values = (params ?? {}) as Record<string, string>;
  const filled = path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(values[key] ?? ""));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries((query ?? {}) as Record<string, unknown>))
    if (value !== undefined && value !== "")
      search.set(key, Array.isArray(value) ? value.join(",") : String(value));
  const text = search.toString();
  return `/api/v1${filled}${text === "" ? "" : `?${text}`}`;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
