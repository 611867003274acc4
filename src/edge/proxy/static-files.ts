import { createReadStream, type Stats } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import {
  answer,
  answerError,
  breakOff,
  type FrontRequest,
  type FrontResponse,
  finish,
  isHttp2,
  startAnswer,
} from "./respond.ts";
import type { Scan } from "./scan-request.ts";

export type FileRequest = {
  request: FrontRequest;
  response: FrontResponse;
  scan: Scan;
  /** Path behind the route, still percent-encoded. */
  path: string;
  root: string;
  spa: boolean;
  requestId: string;
  extra: readonly string[];
};

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".htm": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".xml": "application/xml; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".md": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".ico": "image/x-icon",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".ttf": "font/ttf",
  ".pdf": "application/pdf",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".webm": "video/webm",
  ".wasm": "application/wasm",
};
const hashed = /[.-](?=[\w-]*\d)[\w-]{8,}\.\w{2,5}$/;

/** Serves one file below `root`: ranges, conditional requests, no listing, no traversal, no dotfiles. */
export async function serveFile(ask: FileRequest): Promise<number> {
  if (ask.request.method !== "GET" && ask.request.method !== "HEAD")
    return refuse(ask, 405, "Method not allowed", "Files can only be read.", ["Allow", "GET, HEAD"]);
  const relative = decodePath(ask.path);
  if (relative === undefined) return refuse(ask, 400, "Bad path", "The path is not allowed.");
  const found = await locate(ask.root, relative);
  if (found) return send(ask, found.path, found.stats);
  const asset = relative.startsWith("/assets/") || extname(relative) !== "";
  if (ask.spa && !asset) {
    const index = await locate(ask.root, "/index.html");
    if (index) return send(ask, index.path, index.stats);
  }
  return refuse(ask, 404, "Not found", "There is no such file.");
}

/** The decoded path, or `undefined` when it could leave the folder or name a hidden file. */
export function decodePath(path: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (decoded.includes("\0") || decoded.includes("\\")) return undefined;
  return decoded.split("/").some((segment) => segment.startsWith(".")) ? undefined : decoded;
}

/** First and last byte of a single satisfiable range; "none" to send all, "bad" for 416 (RFC 9110 14.2). */
export function parseByteRange(header: string, size: number): { from: number; to: number } | "none" | "bad" {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (!match || (match[1] === "" && match[2] === "")) return "none";
  const [, first = "", last = ""] = match;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "bad" : { from: size - length, to: size - 1 };
  }
  const from = Number(first);
  const to = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < from) return "none";
  return from >= size ? "bad" : { from, to };
}

async function locate(root: string, relative: string): Promise<{ path: string; stats: Stats } | undefined> {
  try {
    const base = await realpath(root);
    let path = await realpath(join(base, relative));
    let stats = await stat(path);
    if (stats.isDirectory()) {
      path = await realpath(join(path, "index.html"));
      stats = await stat(path);
    }
    // A link may point elsewhere inside the folder, never out of it.
    if (!stats.isFile() || !(path === base || path.startsWith(base.endsWith(sep) ? base : base + sep)))
      return undefined;
    return { path, stats };
  } catch {
    return undefined;
  }
}

async function send(ask: FileRequest, path: string, stats: Stats): Promise<number> {
  const { scan, response } = ask;
  const type = types[extname(path).toLowerCase()] ?? "application/octet-stream";
  const packed = scan.range === "" ? await precompressed(path, scan.acceptEncoding) : undefined;
  const file = packed ?? { path, stats, coding: "" };
  const etag = `"${file.stats.size.toString(16)}-${Math.trunc(file.stats.mtimeMs).toString(16)}${file.coding}"`;
  const headers = ["Content-Type", type, "ETag", etag, "Last-Modified", stats.mtime.toUTCString()];
  headers.push(
    "Cache-Control",
    cacheRule(path, type),
    "Accept-Ranges",
    "bytes",
    "X-Content-Type-Options",
    "nosniff",
  );
  if (packed) headers.push("Content-Encoding", packed.coding, "Vary", "Accept-Encoding");
  headers.push(...ask.extra);
  if (matches(ask, etag, stats)) {
    startAnswer(response, 304, "Not Modified", headers);
    finish(response);
    return 304;
  }
  const { size } = file.stats;
  const ifRange = ask.request.headers["if-range"];
  const range =
    scan.range === "" || (ifRange !== undefined && ifRange !== etag)
      ? "none"
      : parseByteRange(scan.range, size);
  if (range === "bad") {
    answer(response, 416, ["Content-Range", `bytes */${size}`]);
    return 416;
  }
  const status = range === "none" ? 200 : 206;
  const { from, to } = range === "none" ? { from: 0, to: size - 1 } : range;
  if (status === 206) headers.push("Content-Range", `bytes ${from}-${to}/${size}`);
  headers.push("Content-Length", String(to - from + 1));
  startAnswer(response, status, status === 200 ? "OK" : "Partial Content", headers);
  if (ask.request.method === "HEAD" || size === 0) finish(response);
  else stream(ask, file.path, from, to);
  return status;
}

function stream(ask: FileRequest, path: string, start: number, end: number): void {
  const { response } = ask;
  const source = createReadStream(path, { start, end });
  const sink = isHttp2(response) ? response.stream : response;
  source.on("error", () => breakOff(response));
  sink.on("close", () => source.destroy());
  source.pipe(sink as NodeJS.WritableStream);
}

function matches(ask: FileRequest, etag: string, stats: Stats): boolean {
  const { ifNoneMatch } = ask.scan;
  if (ifNoneMatch !== "")
    return (
      ifNoneMatch === "*" || ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
    );
  const since = Date.parse(ask.request.headers["if-modified-since"] ?? "");
  return Number.isFinite(since) && Math.trunc(stats.mtimeMs / 1000) * 1000 <= since;
}

function cacheRule(path: string, type: string): string {
  // The run-time values of a site are as lasting as its pages.
  if (type.startsWith("text/html") || path.endsWith("/config.js")) return "no-cache";
  return hashed.test(path) ? "public, max-age=31536000, immutable" : "public, max-age=3600";
}

async function precompressed(path: string, acceptEncoding: string) {
  for (const [coding, ending] of [
    ["br", ".br"],
    ["gzip", ".gz"],
  ] as const) {
    if (!acceptEncoding.includes(coding)) continue;
    try {
      const handle = await open(path + ending, "r");
      const stats = await handle.stat();
      await handle.close();
      if (stats.isFile()) return { path: path + ending, stats, coding };
    } catch {
      // No such variant: the plain file is served.
    }
  }
  return undefined;
}

function refuse(
  ask: FileRequest,
  status: number,
  title: string,
  detail: string,
  headers: string[] = [],
): number {
  const { response, requestId, scan } = ask;
  answerError(response, {
    status,
    title,
    detail,
    requestId,
    accept: scan.accept,
    headers: [...headers, ...ask.extra],
  });
  return status;
}
