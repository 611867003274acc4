import { createServer } from "node:http";
import { join } from "node:path";
import { createApp } from "./app.ts";
import { readPublicConfig } from "./public-config.ts";

/** Longer than any proxy keeps an idle connection, so that it is never we who close one that it just reuses. */
const keepAliveMs = 75_000;
const drainMs = 20_000;

const config = readPublicConfig(process.env);
const server = createServer(createApp(join(import.meta.dirname, "..", "dist"), config));
server.keepAliveTimeout = keepAliveMs;
const port = Number(process.env["PORT"] || 80);
server.listen(port, process.env["HOST"] || "0.0.0.0", () =>
  console.log(`listening on ${port}, version ${config.version}, API at ${config.apiUrl}`),
);

function stop(signal: NodeJS.Signals): void {
  console.log(`${signal}: finishing what is under way`);
  setTimeout(() => server.closeAllConnections(), drainMs).unref();
  server.close(() => console.log("stopped"));
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
