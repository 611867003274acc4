import type { IncomingMessage, ServerResponse } from "node:http";

export type Json = Record<string, unknown>;

/** Thrown by the readers below; the server answers with 400 and the message. */
export class BadCall extends Error {}

/** One request, read to its end. */
export class Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
  readonly params: Record<string, string>;

  constructor(from: {
    request: IncomingMessage;
    response: ServerResponse;
    url: URL;
    body: Buffer;
    params: Record<string, string>;
  }) {
    this.request = from.request;
    this.response = from.response;
    this.url = from.url;
    this.body = from.body;
    this.params = from.params;
  }

  param(name: string): string {
    return this.params[name] ?? "";
  }

  header(name: string): string {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  }

  get host(): string {
    return this.header("host") || "localhost";
  }

  json(): Json {
    const value = parseJson(this.body.toString("utf8"));
    if (!isObject(value)) throw new BadCall("the body must be a JSON object");
    return value;
  }

  /** A body that is a form or JSON, as fields of text. */
  fields(): Record<string, string> {
    if (this.header("content-type").includes("json"))
      return Object.fromEntries(Object.entries(this.json()).map(([key, value]) => [key, String(value)]));
    return Object.fromEntries(new URLSearchParams(this.body.toString("utf8")));
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadCall("the body is not JSON");
  }
}

export function textOf(from: Json, key: string, fallback?: string): string {
  const value = from[key] ?? fallback;
  if (typeof value !== "string" || (value === "" && fallback === undefined))
    throw new BadCall(`${key} must be a text`);
  return value;
}

export function objectOf(from: Json, key: string): Json {
  const value = from[key];
  if (!isObject(value)) throw new BadCall(`${key} must be an object`);
  return value;
}

export function listOf(from: Json, key: string): unknown[] {
  const value = from[key] ?? [];
  if (!Array.isArray(value)) throw new BadCall(`${key} must be a list`);
  return value;
}
