import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { listenFailed } from "../errors.ts";
import type { EdgeConfig } from "../port.ts";
import { AddressList, plainAddress } from "./address-list.ts";
import { type CertificateTable, tlsOptions } from "./certificates.ts";
import { handleRequest } from "./handle-request.ts";
import type { Entry, Plane } from "./plane.ts";
import { forwardTcp } from "./tcp-forwarder.ts";
import { handleUpgrade } from "./upgrade.ts";

/** Limits against slow clients; bodies have their own progress limit. */
const limits = {
  headersTimeout: 15_000,
  requestTimeout: 0,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 32_768,
  insecureHTTPParser: false,
  noDelay: true,
  // More than one read of an upstream, so that a fast client's answer is not paused after every piece.
  highWaterMark: 262_144,
};

/** Per listener and worker; more are closed at once instead of starving the rest. */
const maxConnections = 20_000;

/** An address to listen on. Two specs with one key are the same listener. */
export type ListenerSpec = {
  key: string;
  host: string;
  port: number;
  kind: "http" | "https" | "internal" | "tcp";
  backend: string;
  allow: readonly string[];
};

export type OpenListener = {
  spec: ListenerSpec;
  server: HttpServer | TcpServer | Http2SecureServer;
  sockets: Set<Socket>;
};

export function listenerSpecs(config: EdgeConfig): ListenerSpec[] {
  const specs: ListenerSpec[] = [];
  const add = (at: { host: string; port: number }, more: Pick<ListenerSpec, "kind" | "backend" | "allow">) =>
    specs.push({ host: at.host, port: at.port, ...more, key: JSON.stringify([at.host, at.port, more]) });
  if (config.http) add(config.http, { kind: "http", backend: "", allow: [] });
  if (config.https) add(config.https, { kind: "https", backend: "", allow: [] });
  for (const internal of config.internal)
    add(internal, {
      kind: internal.protocol === "tcp" ? "tcp" : "internal",
      backend: internal.backend,
      allow: internal.allow,
    });
  return specs;
}

/** Opens one listener. @throws EDGE_LISTEN_FAILED */
export function openListener(
  plane: Plane,
  spec: ListenerSpec,
  tls: { certificates: () => CertificateTable; ticketKeys: Buffer },
): Promise<OpenListener> {
  const server = createFor(plane, spec, tls);
  const sockets = new Set<Socket>();
  const allowed = new AddressList(spec.allow);
  server.maxConnections = maxConnections;
  const inner = spec.kind === "internal" || spec.kind === "tcp";
  server.prependListener("connection", (socket: Socket) => {
    if (inner && !allowed.has(plainAddress(socket.remoteAddress))) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(listenFailed(`${spec.host}:${spec.port}`, error.code ?? error.message)),
    );
    server.listen({ host: spec.host, port: spec.port, backlog: 4_096 }, () => {
      server.on("error", (error) =>
        plane.log("listener failed", { address: spec.key, detail: error.message }),
      );
      resolve({ spec, server, sockets });
    });
  });
}

function createFor(
  plane: Plane,
  spec: ListenerSpec,
  tls: { certificates: () => CertificateTable; ticketKeys: Buffer },
): HttpServer | TcpServer | Http2SecureServer {
  if (spec.kind === "tcp")
    return createTcpServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      const forward = () => {
        if (!socket.destroyed) forwardTcp(plane, spec.backend, socket);
      };
      onceServing(plane, forward);
    });
  const entry: Entry =
    spec.kind === "internal"
      ? { kind: "internal", backend: spec.backend }
      : { kind: "public", secure: spec.kind === "https" };
  const server =
    spec.kind === "https"
      ? createSecureServer({
          ...limits,
          ...tlsOptions,
          allowHTTP1: true,
          ticketKeys: tls.ticketKeys,
          sessionIdContext: "roadstead-edge",
          SNICallback: (name, done) => done(null, tls.certificates().find(name)),
          settings: { maxConcurrentStreams: 128, initialWindowSize: 256 * 1024 },
        })
      : createHttpServer(limits);
  const http1 = server as HttpServer;
  const handle = guarded(plane, entry);
  http1.on("request", handle);
  http1.on("checkContinue", handle);
  http1.on("upgrade", (request: IncomingMessage, socket, head) => {
    onceServing(plane, () => handleUpgrade(plane, entry, { request, socket, head }));
  });
  http1.on("clientError", onClientError);
  if (spec.kind === "https") http1.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  return server;
}

/** A fault of ours costs one request, not the worker and everybody's connections. */
function guarded(plane: Plane, entry: Entry): (request: IncomingMessage, response: ServerResponse) => void {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    try {
      handleRequest(plane, entry, request, response);
    } catch (error) {
      plane.log("request failed inside the edge", {
        detail: error instanceof Error ? error.stack : String(error),
      });
      response.destroy();
    }
  };
  return (request, response) => onceServing(plane, () => handle(request, response));
}

/** What comes in between the opening of the first listeners and their first routes waits: without routes all is a 404. */
function onceServing(plane: Plane, serve: () => void): void {
  if (plane.whenServing === undefined) serve();
  else void plane.whenServing.then(serve);
}

/** What llhttp refuses gets a plain 4xx and the connection is closed. */
function onClientError(error: NodeJS.ErrnoException, socket: import("node:stream").Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const line =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
