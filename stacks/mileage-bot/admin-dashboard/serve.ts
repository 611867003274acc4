import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";

/** The site where nginx is not at hand: the same paths, answers and headers as nginx.conf. */
const root = join(import.meta.dirname, "dist");
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
};

const server = createServer((request, response) => {
  answer(request.url ?? "/", response).catch(() => {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});
server.keepAliveTimeout = 75_000;
server.listen(Number(process.env["PORT"] ?? 80), process.env["HOST"] ?? "0.0.0.0");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

async function answer(url: string, response: ServerResponse): Promise<void> {
  const path = pathOf(url);
  if (path === undefined || /^\/(api|auth)(\/|$)/.test(path)) return sendNothing(response);
  if (path === "/health") return send(response, "/version.json");
  if (await isFile(path)) return send(response, path);
  if (path.startsWith("/assets/")) return sendNothing(response);
  return send(response, "/index.html");
}

/** Decoded and without `..`, so that no path leaves the folder. */
function pathOf(url: string): string | undefined {
  try {
    return normalize(decodeURIComponent(url.split("?")[0] ?? "/"));
  } catch {
    return undefined;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(join(root, path)).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function send(response: ServerResponse, path: string): Promise<void> {
  const { size } = await stat(join(root, path));
  response.writeHead(200, {
    "content-type": types[extname(path)] ?? "application/octet-stream",
    "content-length": size,
    "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
  });
  createReadStream(join(root, path)).pipe(response);
}

function sendNothing(response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
}
