import { type BrotliCompress, constants, createBrotliCompress, createGzip, type Gzip } from "node:zlib";

const worthwhile =
  /^(?:text\/(?!event-stream)|application\/(?:json|javascript|xml|wasm|manifest\+json|x-javascript|[\w.+-]+\+(?:json|xml))|image\/svg\+xml)/i;
/** Smaller bodies gain nothing. */
const minBytes = 1_024;

export type Coding = "br" | "gzip";

/** Coding for an answer, or `undefined` when it goes out as it is. @param acceptEncoding lower case. */
export function chooseCoding(
  acceptEncoding: string,
  body: { contentType: string; length: number; encoded: boolean; noTransform: boolean; status: number },
): Coding | undefined {
  if (acceptEncoding === "" || body.encoded || body.noTransform) return undefined;
  if (body.status < 200 || body.status === 204 || body.status === 206 || body.status === 304)
    return undefined;
  if ((body.length >= 0 && body.length < minBytes) || !worthwhile.test(body.contentType)) return undefined;
  const gzip = quality(acceptEncoding, "gzip");
  const brotli = quality(acceptEncoding, "br");
  if (brotli > 0 && brotli >= gzip) return "br";
  return gzip > 0 ? "gzip" : undefined;
}

/** @param streaming flushes after every write, so that slow streams are not held back. */
export function createEncoder(coding: Coding, streaming: boolean): Gzip | BrotliCompress {
  if (coding === "gzip")
    return createGzip({ level: 5, ...(streaming ? { flush: constants.Z_SYNC_FLUSH } : {}) });
  return createBrotliCompress({
    params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 },
    ...(streaming ? { flush: constants.BROTLI_OPERATION_FLUSH } : {}),
  });
}

/** The fields of an answer after it was encoded on the way: no length, weak ETag (RFC 9110 8.8.3), Vary. */
export function encodedHeaders(raw: readonly string[], coding: Coding): string[] {
  const headers: string[] = [];
  let vary = "Accept-Encoding";
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? "";
    const value = raw[at + 1] ?? "";
    const lower = name.toLowerCase();
    if (lower === "accept-ranges") continue;
    if (lower === "vary") vary = /accept-encoding|\*/i.test(value) ? value : `${value}, ${vary}`;
    else if (lower === "etag" && !value.startsWith("W/")) headers.push(name, `W/${value}`);
    else headers.push(name, value);
  }
  headers.push("Content-Encoding", coding, "Vary", vary);
  return headers;
}

function quality(acceptEncoding: string, coding: string): number {
  for (const part of acceptEncoding.split(",")) {
    const [name, ...parameters] = part.split(";").map((piece) => piece.trim());
    if (name !== coding) continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    return q === undefined ? 1 : Number(q.slice(2)) || 0;
  }
  return 0;
}
