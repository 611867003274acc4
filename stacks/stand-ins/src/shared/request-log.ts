import { Bounded } from "./bounded.ts";
import { isObject } from "./call.ts";

export type LogEntry = { at: string; method: string; path: string; status: number; body?: unknown };

const secretName = /token|secret|password|^code$|code_verifier|authorization|api[-_]?key|sentry_key/i;
const mostBodyBytes = 8_192;

/** The last requests, for tests to look at. Credentials never get in. */
export class RequestLog {
  readonly #entries = new Bounded<LogEntry>(500);

  add(request: { method: string; url: URL; status: number; type: string; body: Buffer }): void {
    const { method, url, status } = request;
    const body = readable(request.type, request.body);
    const entry = { at: new Date().toISOString(), method, path: withoutSecrets(url), status };
    this.#entries.push(body === undefined ? entry : { ...entry, body });
  }

  get all(): readonly LogEntry[] {
    return this.#entries.all;
  }

  clear(): void {
    this.#entries.clear();
  }
}

function withoutSecrets(url: URL): string {
  const query = new URLSearchParams(url.searchParams);
  for (const name of [...query.keys()]) if (secretName.test(name)) query.set(name, "***");
  // Interaction tokens travel as a path segment; nothing else is that long.
  const path = url.pathname.replace(/[^/]{40,}/g, "***");
  return query.size > 0 ? `${path}?${query}` : path;
}

function readable(type: string, body: Buffer): unknown {
  if (body.length === 0 || body.length > mostBodyBytes) return undefined;
  if (type.includes("x-www-form-urlencoded"))
    return masked(Object.fromEntries(new URLSearchParams(body.toString("utf8"))));
  if (!type.includes("json")) return undefined;
  try {
    return masked(JSON.parse(body.toString("utf8")));
  } catch {
    return undefined;
  }
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, secretName.test(key) ? "***" : masked(inner)]),
  );
}
