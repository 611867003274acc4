import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { run } from "../lib/run.ts";
import type { World } from "./conformance-support.ts";
import type { Certificate } from "./port.ts";

export type LoadReport = { sent: number; failures: string[]; byTarget: Record<string, number> };

/** Requests without pause over kept connections until `stop`; a failure is anything but 200. */
export function startLoad(
  world: World,
  options: { host: string; path: string; concurrency: number; method?: string; body?: string },
): { report: LoadReport; stop(): Promise<LoadReport> } {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  const report: LoadReport = { sent: 0, failures: [], byTarget: {} };
  let running = true;
  const one = () =>
    new Promise<void>((resolve) => {
      const failed = (detail: string) => {
        report.failures.push(detail);
        resolve();
      };
      const sent = request(
        {
          host: "127.0.0.1",
          port: world.httpPort,
          path: options.path,
          method: options.method ?? "GET",
          headers: { host: options.host, ...(options.body ? { "content-length": options.body.length } : {}) },
          agent,
          timeout: 20_000,
        },
        (response) => {
          const target = String(response.headers["x-served-by"] ?? "");
          report.byTarget[target] = (report.byTarget[target] ?? 0) + 1;
          response.resume();
          response.on("error", (error) => failed(error.message));
          response.on("end", () =>
            response.statusCode === 200 ? resolve() : failed(`status ${response.statusCode}`),
          );
        },
      );
      sent.on("timeout", () => sent.destroy(new Error("no answer in 20 s")));
      sent.on("error", (error) => failed(error.message));
      sent.end(options.body);
    });
  const workers = Array.from({ length: options.concurrency }, async () => {
    while (running) {
      report.sent += 1;
      await one();
    }
  });
  return {
    report,
    stop: async () => {
      running = false;
      await Promise.all(workers);
      agent.destroy();
      return report;
    },
  };
}

/** An open WebSocket through the edge. `closed` resolves with the code it was closed with. */
export async function openSocket(
  world: World,
  host: string,
  path: string,
  port = world.httpPort,
): Promise<{ socket: WebSocket; echo(text: string): Promise<string>; closed: Promise<number> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { host },
    handshakeTimeout: 10_000,
  });
  const closed = new Promise<number>((resolve) => socket.on("close", (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => socket.terminate());
  const echo = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no echo")), 5_000);
      socket.once("message", (data) => {
        clearTimeout(timer);
        resolve(String(data));
      });
      socket.send(text);
    });
  return { socket, echo, closed };
}

/** A self-signed certificate from the openssl program. */
export async function selfSigned(hosts: readonly string[]): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), "roadstead-cert-"));
  const key = join(folder, "key.pem");
  const certificate = join(folder, "cert.pem");
  try {
    const names = hosts.map((host) => `DNS:${host}`).join(",");
    const made = await run(
      [
        ...(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"] as const),
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
      ],
      { timeoutMs: 20_000 },
    );
    if (made.exitCode !== 0) throw new Error(made.stderr);
    return { hosts, certificate: await readFile(certificate, "utf8"), key: await readFile(key, "utf8") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A TCP service that says its id and then echoes. */
export async function tcpEcho(id: string): Promise<{ id: string; port: number; close(): Promise<void> }> {
  const sockets = new Set<import("node:net").Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.write(`${id}\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    id,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
