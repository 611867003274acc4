import { createServer } from "node:http";

/**
 * An HTTP server that ends well: on SIGTERM it stops accepting, lets requests in flight finish, runs `onClose`,
 * then exits. `handle` gets the request and its URL and returns `{ status, type, body }`.
 */
export function serve(name, handle, onClose = async () => undefined) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://harbor");
    const answer = await handle(request, url).catch((error) => {
      console.error(`${request.method} ${url.pathname}: ${error.message}`);
      return json(503, { error: error.message });
    });
    response.writeHead(answer.status, {
      "content-type": answer.type,
      "x-harbor-version": version,
      "cache-control": "no-store",
      ...answer.headers,
    });
    response.end(answer.body);
  });
  // Longer than any proxy keeps an idle connection: the side that reuses it must be the one that closes it.
  server.keepAliveTimeout = 75_000;
  const port = Number(process.env.PORT ?? 3000);
  server.listen(port, process.env.HOST ?? "0.0.0.0", () => {
    console.log(`${name} v${version} listens on port ${port}`);
  });
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => {
      console.log(`${name} v${version} got ${signal}: finishing what is in flight`);
      server.close(async () => {
        await onClose();
        console.log(`${name} v${version} ends`);
        process.exit(0);
      });
      server.closeIdleConnections();
    });
  }
}

export const version = process.env.HARBOR_VERSION ?? "1";

export function json(status, value) {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}
