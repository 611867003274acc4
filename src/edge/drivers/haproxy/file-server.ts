import { chmod, chown, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { scanRequest } from "../../proxy/scan-request.ts";
import { serveFile } from "../../proxy/static-files.ts";

/**
 * Serves files for HAProxy, which has no file system. It keeps no state: HAProxy sends the route's folder and
 * fallback with each request and overwrites what a client may have sent. Only its account may open the socket, or
 * with `owner` the user with that number: the one HAProxy runs as.
 */
export async function serveFiles(socket: string, owner?: number): Promise<Server> {
  await rm(socket, { force: true });
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      process.stderr.write(`file not served: ${String(error)}\n`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
  await chmod(socket, 0o600);
  if (owner !== undefined) await chown(socket, owner, process.getgid?.() ?? 0);
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const field = (name: string) => String(request.headers[name] ?? "");
  const root = Buffer.from(field("x-roadstead-root"), "base64").toString("utf8");
  await serveFile({
    request,
    response,
    scan: scanRequest(request.rawHeaders),
    path: (request.url ?? "/").split("?")[0] ?? "/",
    root,
    spa: field("x-roadstead-spa") === "1",
    requestId: field("x-request-id"),
    extra: [],
  });
}
