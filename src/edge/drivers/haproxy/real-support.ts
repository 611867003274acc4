import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorld, type World } from "../../conformance-support.ts";
import type { Certificate } from "../../port.ts";
import { HaproxyEdge } from "../haproxy.ts";
import { askSocket } from "./admin-socket.ts";
import { layoutOf } from "./layout.ts";
import { parseProcesses } from "./process.ts";

export const installed = spawnSync("haproxy", ["-v"]).status === 0;

export type HaproxyWorld = World & {
  home: string;
  edge: HaproxyEdge;
  /** Ids of the worker that serves now and of older ones. */
  workers(): Promise<{ now: number; old: number[] }>;
};

/** A HAProxy of its own in a temporary folder. */
export async function startHaproxy(): Promise<HaproxyWorld> {
  const home = await mkdtemp(join(tmpdir(), "rs-hp-"));
  const edge = new HaproxyEdge({ home });
  const close = async () => {
    await edge.stop();
    await rm(home, { recursive: true, force: true });
  };
  const world = await createWorld({ edge, close });
  const workers = async () => {
    const found = parseProcesses(await askSocket(layoutOf(home).masterSocket, "show proc"));
    return { now: found.workers[0] ?? 0, old: found.old };
  };
  return Object.assign(world, { edge, home, workers });
}

export type Load = { stop(): Promise<{ requests: number; failed: string[]; targets: Map<string, number> }> };

/** Requests on `clients` keep-alive connections, one after the other on each; every fourth opens a new one. */
export function startLoad(port: number, options: { host: string; clients: number; pauseMs?: number }): Load {
  const failed: string[] = [];
  const targets = new Map<string, number>();
  let requests = 0;
  let running = true;
  const one = (agent: Agent | false) =>
    new Promise<void>((resolve) => {
      const note = (problem?: string) => {
        if (problem !== undefined) failed.push(problem);
        resolve();
      };
      const sent = request({
        host: "127.0.0.1",
        port,
        agent,
        headers: { host: options.host },
        timeout: 10_000,
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in 10 s")));
      sent.on("error", (error: NodeJS.ErrnoException) => note(error.code ?? error.message));
      sent.on("response", (response) => {
        response.resume();
        response.on("error", (error) => note(error.message));
        response.on("end", () => {
          const target = String(response.headers["x-served-by"]);
          targets.set(target, (targets.get(target) ?? 0) + 1);
          note(response.statusCode === 200 ? undefined : `status ${response.statusCode}`);
        });
      });
      sent.end();
    });
  const client = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let n = 0; running; n += 1) {
      requests += 1;
      await one(n % 4 === 3 ? false : agent);
      if (options.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
    }
    agent.destroy();
  };
  const clients = Array.from({ length: options.clients }, client);
  return {
    stop: async () => {
      running = false;
      await Promise.all(clients);
      return { requests, failed, targets };
    },
  };
}

/** A self-signed certificate from the openssl program. */
export async function selfSigned(...hosts: string[]): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), "rs-cert-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = hosts.map((host) => `DNS:${host}`).join(",");
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
    ...[
      "-subj",
      `/CN=${hosts[0]}`,
      "-addext",
      `subjectAltName=${names}`,
      "-keyout",
      key,
      "-out",
      certificate,
    ],
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  const pair = { hosts, certificate: await readFile(certificate, "utf8"), key: await readFile(key, "utf8") };
  await rm(folder, { recursive: true, force: true });
  return pair;
}

/** Sends a line over TCP and returns the first answer, or "closed". */
export function tcpEcho(port: number, line: string, from = "127.0.0.1"): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from });
    const end = (text: string) => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(3_000, () => end("silent"));
    socket.on("error", () => end("closed"));
    socket.on("close", () => end("closed"));
    socket.on("data", (chunk) => end(chunk.toString("utf8")));
    socket.write(line);
  });
}
