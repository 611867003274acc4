import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import type { EdgeConfig } from "../port.ts";
import { toWire } from "./messages.ts";
import type { Supervisor } from "./supervisor.ts";

/** Where the control plane talks to the edge: a Unix socket that only this user can open. */
export function adminSocketPath(home: string): string {
  return join(home, "edge", "admin.sock");
}

/** Opens the admin API. @throws Error when another edge serves this home folder. */
export async function openAdmin(home: string, supervisor: Supervisor): Promise<Server> {
  const path = adminSocketPath(home);
  await mkdir(join(home, "edge"), { recursive: true, mode: 0o700 });
  if (await answers(path)) throw new Error(`another edge serves ${home}`);
  await rm(path, { force: true });
  const server = createServer((request, response) => {
    handle(supervisor, request).then(
      (value) =>
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value ?? null)),
      (error: unknown) =>
        response.writeHead(409, { "content-type": "application/json" }).end(JSON.stringify(toWire(error))),
    );
  });
  server.requestTimeout = 0;
  const umask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(umask));
  await chmod(path, 0o600);
  return server;
}

async function handle(supervisor: Supervisor, request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body: unknown = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString("utf8"));
  switch (`${request.method} ${request.url}`) {
    case "GET /health":
      return { pid: process.pid, version: supervisor.version, workers: supervisor.workers };
    case "GET /observe":
      return supervisor.observe();
    case "PUT /config": {
      const { config, version } = body as { config: EdgeConfig; version: number };
      return supervisor.apply(config, version);
    }
    case "POST /drain": {
      const { target, deadlineSeconds } = body as { target: string; deadlineSeconds: number };
      return supervisor.drain(target, deadlineSeconds);
    }
    default:
      throw new Error(`the edge has no ${request.method} ${request.url}`);
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
}
