import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { isObject, type Json } from "../shared/call.ts";

export type Item = { type: string; header: Json; payload: unknown };
export type Envelope = { header: Json; items: Item[] };

const mostBytes = 64 * 1024 * 1024;

/** The body as it was before it was compressed; undefined when it cannot be read. */
export function decompressed(body: Buffer, encoding: string): Buffer | undefined {
  const limit = { maxOutputLength: mostBytes };
  try {
    if (encoding === "gzip") return gunzipSync(body, limit);
    if (encoding === "deflate") return inflateSync(body, limit);
    if (encoding === "br") return brotliDecompressSync(body, limit);
    return encoding === "" || encoding === "identity" ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Sentry's envelope: a header line, then for each item a header line and its payload, by length or to the line's end. */
export function parseEnvelope(body: Buffer): Envelope | undefined {
  const first = lineAt(body, 0);
  const header = objectFrom(first.text);
  if (!header) return undefined;
  const items: Item[] = [];
  let position = first.next;
  while (position < body.length) {
    const line = lineAt(body, position);
    position = line.next;
    if (line.text.trim() === "") continue;
    const itemHeader = objectFrom(line.text);
    if (!itemHeader || typeof itemHeader["type"] !== "string") return undefined;
    const payload = payloadAt(body, position, itemHeader["length"]);
    if (!payload) return undefined;
    position = payload.next;
    // Attachments need not be JSON; they are told by their size.
    const content = parsed(payload.bytes) ?? { bytes: payload.bytes.length };
    items.push({ type: itemHeader["type"], header: itemHeader, payload: content });
  }
  return { header, items };
}

function payloadAt(
  body: Buffer,
  position: number,
  length: unknown,
): { bytes: Buffer; next: number } | undefined {
  if (length === undefined) {
    const line = lineAt(body, position);
    return { bytes: Buffer.from(line.text), next: line.next };
  }
  const end = position + Number(length);
  if (!Number.isInteger(length) || Number(length) < 0 || end > body.length) return undefined;
  return { bytes: body.subarray(position, end), next: end + 1 };
}

function lineAt(body: Buffer, position: number): { text: string; next: number } {
  const found = body.indexOf(10, position);
  const end = found < 0 ? body.length : found;
  return { text: body.toString("utf8", position, end), next: end + 1 };
}

function objectFrom(text: string): Json | undefined {
  const value = parsed(Buffer.from(text));
  return isObject(value) ? value : undefined;
}

/** The JSON value; undefined when it is none. */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
