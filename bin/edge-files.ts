import { serveFiles } from "../src/edge/drivers/haproxy/file-server.ts";

/** The file server beside HAProxy: `node bin/edge-files.ts <unix socket> [<user id>]`. Its supervisor starts it again when it ends. */
const [socket, owner] = process.argv.slice(2);
if (socket === undefined) {
  process.stderr.write("usage: edge-files.ts <unix socket> [<user id>]\n");
  process.exit(2);
}
const server = await serveFiles(socket, owner === undefined ? undefined : Number(owner));
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
