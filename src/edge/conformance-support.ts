import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { request as requestTls } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { WebSocketServer } from "ws";
import type { Backend, Edge, EdgeConfig, EdgeRoute, TargetCounters } from "./port.ts";

/** What a conformance test gets: the driver, and where it listens when it carries traffic. */
export type EdgeUnderTest = {
  edge: Edge;
  /** Ends the edge and everything it left behind. */
  close(): Promise<void>;
  /** Ends the serving process hard and brings it back as its supervisor would. Absent: those tests are not its. */
  restart?(): Promise<void>;
  /** Drivers without sockets answer here; `target` is what the traffic tests read from the backend's answer. */
  decide?(host: string, path: string, options: Asked): Promise<{ status: number; target?: string }>;
};

export type Asked = {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  tls?: boolean;
  /** Source address, to be another client. */
  from?: string;
  port?: number;
};

export type Answered = {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Id of the backend that answered. */
  target?: string;
};

/** The running edge, its ports, and the configuration the tests build on. */
export type World = EdgeUnderTest & {
  httpPort: number;
  httpsPort: number;
  version: number;
  base: EdgeConfig;
  apply(config: Partial<EdgeConfig>): Promise<void>;
};

/** A TCP port nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function createWorld(under: EdgeUnderTest): Promise<World> {
  const httpPort = await freePort();
  const httpsPort = await freePort();
  const base: EdgeConfig = {
    http: { host: "127.0.0.1", port: httpPort },
    routes: [],
    backends: [],
    internal: [],
    certificates: [],
    trustedProxies: [],
  };
  const world: World = {
    ...under,
    httpPort,
    httpsPort,
    version: 0,
    base,
    apply: (config) => {
      world.version += 1;
      return under.edge.apply({ ...base, ...config }, world.version, AbortSignal.timeout(20_000));
    },
  };
  return world;
}

export function route(host: string, path: string, backend: string, more: Partial<EdgeRoute> = {}): EdgeRoute {
  return {
    id: `${host}${path}`,
    host,
    path,
    stripPath: false,
    action: { kind: "proxy", backend },
    requireTls: false,
    compress: false,
    ...more,
  };
}

export function backend(
  id: string,
  targets: readonly { id: string; port: number; weight?: number }[],
  more: Partial<Backend> = {},
): Backend {
  return {
    id,
    targets: targets.map(({ id, port, weight }) => ({ id, host: "127.0.0.1", port, weight: weight ?? 100 })),
    sticky: false,
    hold: false,
    holdSeconds: 10,
    responseTimeoutSeconds: 10,
    label: { stack: "shop", environment: "test", service: id },
    ...more,
  };
}

/** One request, on a connection of its own; through `decide` when the driver has no sockets. */
export async function ask(world: World, host: string, path: string, asked: Asked = {}): Promise<Answered> {
  if (world.decide) {
    const decided = await world.decide(host, path, asked);
    return { headers: {}, body: Buffer.alloc(0), ...decided };
  }
  return await new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: asked.port ?? (asked.tls ? world.httpsPort : world.httpPort),
      path,
      method: asked.method ?? "GET",
      headers: { host, ...asked.headers },
      agent: false,
      timeout: 20_000,
      ...(asked.from === undefined ? {} : { localAddress: asked.from }),
    };
    const sent = asked.tls
      ? requestTls({ ...options, servername: host, rejectUnauthorized: false })
      : request(options);
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${options.timeout} ms`)));
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const target = response.headers["x-served-by"];
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          ...(typeof target === "string" ? { target } : {}),
        });
      });
    });
    sent.end(asked.body);
  });
}

/** What a backend saw of a request: it answers its own JSON description. */
export type Seen = { method: string; url: string; headers: IncomingHttpHeaders; bytes: number };

export function seen(answer: Answered): Seen {
  return JSON.parse(answer.body.toString("utf8")) as Seen;
}

export type TestService = {
  id: string;
  port: number;
  /** Requests that arrived. */
  requests(): number;
  close(): Promise<void>;
};

/**
 * A service on loopback. Query parameters steer it: `ms` delays the answer, `status` sets it, `bytes` sends that much
 * text, `chunked` sends it without a length, `hang` never answers, `cut` breaks off in the middle.
 * WebSockets echo; the text `close 4001` closes with that code.
 */
export async function startBackend(id: string, port = 0): Promise<TestService> {
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    incoming.on("end", () => {
      const url = incoming.url ?? "";
      const query = new URLSearchParams(url.split("?")[1] ?? "");
      if (query.has("hang")) return;
      const size = Number(query.get("bytes") ?? 0);
      const description: Seen = { method: incoming.method ?? "", url, headers: incoming.headers, bytes };
      const text =
        size > 0 ? "lorem ipsum ".repeat(Math.ceil(size / 12)).slice(0, size) : JSON.stringify(description);
      const answer = () => {
        outgoing.writeHead(Number(query.get("status") ?? 200), {
          "x-served-by": id,
          "content-type": size > 0 ? "text/plain" : "application/json",
          ...(query.has("chunked") ? {} : { "content-length": Buffer.byteLength(text) }),
        });
        if (query.has("cut")) {
          outgoing.write(text.slice(0, 10), () => incoming.socket.destroy());
          return;
        }
        outgoing.end(text);
      };
      const delay = Number(query.get("ms") ?? 0);
      if (delay > 0) setTimeout(answer, delay);
      else answer();
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => socket.terminate());
    socket.on("message", (data, binary) => {
      const text = binary ? "" : data.toString();
      if (text.startsWith("close ")) socket.close(Number(text.slice(6)), "as asked");
      else socket.send(binary ? data : `${id}:${text}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    id,
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Stands for a service where no request will be sent. */
export async function silentBackend(id: string): Promise<TestService> {
  return { id, port: 9, requests: () => 0, close: async () => undefined };
}

/** Sends bytes as they are and collects what comes back until the peer closes or `until` matches. */
export function exchangeRaw(
  port: number,
  bytes: string | Buffer,
  options: { until?: RegExp; limitMs?: number } = {},
): Promise<{ text: string; closed: boolean; ms: number }> {
  return new Promise((resolve) => {
    const started = performance.now();
    const socket: Socket = connect(port, "127.0.0.1");
    let text = "";
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed, ms: performance.now() - started });
    };
    const timer = setTimeout(() => done(false), options.limitMs ?? 5_000);
    socket.on("error", () => done(true));
    socket.on("close", () => done(true));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (options.until?.test(text)) done(false);
    });
    socket.write(bytes);
  });
}

/** Resolves as soon as `check` holds; throws after `limitMs`. */
export async function eventually(check: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`did not become true within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Counters of one target, or zeroes when the edge has none. */
export async function countersOf(world: World, target: string): Promise<TargetCounters> {
  const observed = await world.edge.observe(AbortSignal.timeout(5_000));
  const found = observed.counters.find((counters) => counters.target === target);
  if (!found) throw new Error(`the edge knows no target ${target}`);
  return found;
}
