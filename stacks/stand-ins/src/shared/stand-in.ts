import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type Answer, badRequest, json, noContent } from "./answer.ts";
import { BadCall, Call, type Json } from "./call.ts";
import type { Faults } from "./faults.ts";
import { RequestLog } from "./request-log.ts";
import { Router, type Routes } from "./route.ts";

const mostBodyBytes = 32 * 1024 * 1024;

export type StandInOptions = {
  name: string;
  port: number;
  host: string;
  faults: Pick<Faults<Json>, "now" | "reset" | "set" | "take">;
  routes: Routes;
  /** Below `/_stand-in/`. */
  control: Routes;
  reset: () => void;
  /** How this service words an error; the default is `{"error":"fault"}`. */
  faultAnswer?: (status: number, request: { url: URL; body: Buffer }) => Answer;
  /** Sees a request before its body is read; true when it has taken it over. */
  takeOver?: (request: IncomingMessage, response: ServerResponse) => boolean;
};

/** The HTTP server that all stand-ins share: health, control API, request log, faults. */
export class StandIn {
  readonly server: Server;
  readonly log = new RequestLog();
  readonly #options: StandInOptions;
  readonly #routes: Router;
  readonly #control: Router;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#routes = new Router(options.routes);
    this.#control = new Router({ ...this.#sharedControl(), ...options.control });
    this.server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#broken(response, error));
    });
  }

  async listen(): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.server.once("error", reject).listen(this.#options.port, this.#options.host, resolve);
    await promise;
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    this.server.closeAllConnections();
    await promise;
  }

  #sharedControl(): Routes {
    const { faults } = this.#options;
    return {
      "GET /_stand-in/log": () => json(this.log.all),
      "POST /_stand-in/reset": () => {
        faults.reset();
        this.log.clear();
        this.#options.reset();
        return noContent;
      },
      "POST /_stand-in/faults": (call) => {
        faults.set(call.json());
        return json(faults.now);
      },
      "GET /_stand-in/faults": () => json(faults.now),
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request);
    if (url.pathname === "/health")
      return write(response, json({ status: "ok", service: this.#options.name }));
    const isControl = url.pathname.startsWith("/_stand-in/");
    if (!isControl && (await this.#faulted(request, response, url))) return;
    if (!isControl && this.#options.takeOver?.(request, response)) {
      response.on("close", () => this.#note(request, url, response.statusCode, Buffer.alloc(0)));
      return;
    }
    const body = await readBody(request);
    if (!body) return write(response, { status: 413, body: { error: "too large" } });
    const router = isControl ? this.#control : this.#routes;
    const answer = await answerOf(router, { request, response, url, body });
    if (answer) write(response, answer);
    if (!isControl) this.#note(request, url, response.statusCode, body);
  }

  /** True when a fault has answered. */
  async #faulted(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    const fault = this.#options.faults.take();
    if (fault.latencyMs > 0) await wait(fault.latencyMs);
    if (fault.down) {
      this.#note(request, url, 0, Buffer.alloc(0));
      request.socket.destroy();
      return true;
    }
    if (fault.status === 0) return false;
    const body = (await readBody(request)) ?? Buffer.alloc(0);
    this.#note(request, url, fault.status, body);
    const answer = this.#options.faultAnswer?.(fault.status, { url, body });
    write(response, answer ?? json({ error: "fault" }, fault.status));
    return true;
  }

  #note(request: IncomingMessage, url: URL, status: number, body: Buffer): void {
    const type = request.headers["content-type"] ?? "";
    this.log.add({ method: request.method ?? "GET", url, status, type, body });
  }

  #broken(response: ServerResponse, error: unknown): void {
    process.stderr.write(`${this.#options.name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    if (!response.headersSent) write(response, json({ error: "internal error" }, 500));
    else response.destroy();
  }
}

function urlOf(request: IncomingMessage): URL {
  const path = request.url ?? "/";
  return URL.parse(path.startsWith("/") ? `http://stand-in${path}` : path) ?? new URL("http://stand-in/");
}

async function answerOf(
  router: Router,
  from: { request: IncomingMessage; response: ServerResponse; url: URL; body: Buffer },
): Promise<Answer | undefined> {
  const found = router.find(from.request.method ?? "GET", from.url.pathname);
  if (!found) return json({ error: "not found", message: "404: Not Found", code: 0 }, 404);
  try {
    return await found.handler(new Call({ ...from, params: found.params }));
  } catch (error) {
    if (error instanceof BadCall) return badRequest(error.message);
    throw error;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function write(response: ServerResponse, answer: Answer): void {
  const { status, body, headers = {} } = answer;
  const isText = typeof body === "string";
  const content = body === undefined ? "" : isText ? body : JSON.stringify(body);
  const type = isText ? "text/html; charset=utf-8" : "application/json";
  const defaults: Record<string, string> = body === undefined ? {} : { "content-type": type };
  response.writeHead(status, { ...defaults, "cache-control": "no-store", ...headers }).end(content);
}
