import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf, PlatformError } from "../../../lib/platform-error.ts";
import { runtimeError } from "../../errors.ts";
import type { EngineVersion } from "./engine-types.ts";

/** The newest API version whose meaning this driver knows; an older engine's own version is used instead. */
const newestVersion = "1.48";
/** Debian 12's engine (20.10) speaks this; older ones lack what the driver relies on. */
const oldestVersion = "1.41";
const defaultTimeoutMs = 30_000;
/** Answers beyond this size are refused: no call of the driver comes near it. */
const maxAnswerBytes = 64 * 1024 * 1024;

export type EngineRequest = {
  method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** Without the version prefix, e.g. `/containers/json`. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** To the end of the answer; for streams, to its head. @default 30_000 */
  timeoutMs?: number;
  /** A connection of its own, for streams that stay open: they must not use up the shared ones. */
  dedicated?: boolean;
};

/** The engine answered, but refused. `status` is the HTTP status, `message` the engine's own words. */
export class EngineRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "EngineRefusal";
    this.status = status;
  }
}

/** Whether a caught value is the engine's refusal with one of these HTTP statuses. */
export function refusedWith(error: unknown, ...statuses: number[]): error is EngineRefusal {
  return error instanceof EngineRefusal && statuses.includes(error.status);
}

/** Speaks HTTP with a Docker engine over its unix socket. Every call has a limit and ends with the caller's signal. */
export class EngineClient {
  readonly socketPath: string;
  /** Called before and after every call that may change something. */
  onChange: () => void = () => undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 4 });
  #version: Promise<string> | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** The API version both sides know, e.g. `1.45`; asked for once. */
  async version(signal: AbortSignal): Promise<string> {
    this.#version ??= this.#negotiate(signal).catch((error: unknown) => {
      this.#version = undefined;
      throw error;
    });
    return await this.#version;
  }

  async #negotiate(signal: AbortSignal): Promise<string> {
    const answer = await this.#open("/version", { method: "GET", path: "/version", signal });
    const engine = JSON.parse(await readAll(answer)) as EngineVersion;
    if (compareVersions(engine.ApiVersion, oldestVersion) < 0) {
      throw runtimeError(
        "RUNTIME_UNSUPPORTED",
        `the engine ${engine.Version} speaks API ${engine.ApiVersion}, at least ${oldestVersion} is needed`,
        { hint: "Install Docker 20.10 or newer." },
      );
    }
    return compareVersions(engine.ApiVersion, newestVersion) < 0 ? engine.ApiVersion : newestVersion;
  }

  /** The JSON answer; `undefined` for an empty one. Throws `EngineRefusal` for a status of 400 and more. */
  async json<T>(call: EngineRequest): Promise<T> {
    const text = await this.text(call);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** The answer as it came, e.g. one JSON document a line. Throws as `json`. */
  async text(call: EngineRequest): Promise<string> {
    return await this.#told(call, (limited) => this.#whole(limited));
  }

  /** For calls whose answer does not matter. */
  async send(call: EngineRequest): Promise<void> {
    await this.#told(call, (limited) => this.#whole(limited));
  }

  async #whole(call: EngineRequest): Promise<string> {
    return await readAll(await this.stream(call));
  }

  async #told<T>(call: EngineRequest, work: (limited: EngineRequest) => Promise<T>): Promise<T> {
    if (call.method === "GET" || call.method === "HEAD") return await this.#withLimit(call, work);
    this.onChange();
    try {
      return await this.#withLimit(call, work);
    } finally {
      this.onChange();
    }
  }

  /** The answer as a stream; the limit covers the time to its head, the signal its whole life. */
  async stream(call: EngineRequest): Promise<IncomingMessage> {
    const version = await this.version(call.signal);
    return await this.#open(`/v${version}${call.path}${queryText(call.query)}`, call);
  }

  /** Sends a stream as the body; what the engine answers is read whole. The limit is between two signs of life. */
  async upload(call: EngineRequest, content: AsyncIterable<Uint8Array>): Promise<string> {
    const version = await this.version(call.signal);
    const path = `/v${version}${call.path}${queryText(call.query)}`;
    const headers = { host: "docker", "content-type": "application/x-tar", "transfer-encoding": "chunked" };
    const { method, signal } = call;
    this.onChange();
    try {
      const outgoing = httpRequest({
        ...{ socketPath: this.socketPath, agent: false, method, path, headers, signal },
      });
      outgoing.setTimeout(call.timeoutMs ?? defaultTimeoutMs, () => outgoing.destroy(timedOut(call)));
      const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
      answered.catch(() => undefined);
      await pipeline(Readable.from(content, { objectMode: false }), outgoing);
      const [answer] = await answered;
      if ((answer.statusCode ?? 500) >= 400) throw await refusalOf(answer);
      return await readAll(answer);
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      const own = error instanceof EngineRefusal || error instanceof PlatformError;
      throw own ? error : this.#unreachable(error);
    } finally {
      this.onChange();
    }
  }

  /** A call that turns the connection into a raw two-way stream (exec). */
  async hijack(call: EngineRequest): Promise<{ socket: Socket; head: Buffer }> {
    const version = await this.version(call.signal);
    const body = JSON.stringify(call.body ?? {});
    return await new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: this.socketPath,
        agent: false,
        method: call.method,
        path: `/v${version}${call.path}${queryText(call.query)}`,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          connection: "Upgrade",
          upgrade: "tcp",
        },
        signal: call.signal,
      });
      const timer = setTimeout(() => outgoing.destroy(timedOut(call)), call.timeoutMs ?? defaultTimeoutMs);
      outgoing.on("upgrade", (_answer, socket, head) => {
        clearTimeout(timer);
        resolve({ socket: socket as Socket, head });
      });
      outgoing.on("response", (answer) => {
        clearTimeout(timer);
        refusalOf(answer).then(reject, reject);
      });
      outgoing.on("error", (cause) => {
        clearTimeout(timer);
        reject(call.signal.aborted ? call.signal.reason : this.#unreachable(cause));
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #withLimit<T>(call: EngineRequest, work: (limited: EngineRequest) => Promise<T>): Promise<T> {
    const limit = AbortSignal.timeout(call.timeoutMs ?? defaultTimeoutMs);
    try {
      return await work({ ...call, signal: AbortSignal.any([call.signal, limit]) });
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      if (limit.aborted) throw timedOut(call);
      throw error instanceof EngineRefusal ? error : this.#unreachable(error);
    }
  }

  #open(path: string, call: EngineRequest): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    return new Promise((resolve, reject) => {
      if (call.signal.aborted) return reject(call.signal.reason);
      const outgoing = httpRequest({
        socketPath: this.socketPath,
        agent: call.dedicated ? false : this.#agent,
        method: call.method,
        path,
        headers: {
          host: "docker",
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
          ...call.headers,
        },
        signal: call.signal,
      });
      const timer = setTimeout(() => outgoing.destroy(timedOut(call)), call.timeoutMs ?? defaultTimeoutMs);
      outgoing.on("response", (answer) => {
        clearTimeout(timer);
        if ((answer.statusCode ?? 500) < 400) resolve(answer);
        else refusalOf(answer).then(reject, reject);
      });
      outgoing.on("error", (cause) => {
        clearTimeout(timer);
        if (call.signal.aborted) reject(call.signal.reason);
        // The engine closed an idle connection just when it was used again: nothing was received, so ask anew.
        else if (outgoing.reusedSocket && codeOf(cause) === "ECONNRESET") {
          this.#open(path, call).then(resolve, reject);
        } else reject(this.#unreachable(cause));
      });
      outgoing.end(body);
    });
  }

  #unreachable(cause: unknown): Error {
    if (cause instanceof PlatformError) return cause;
    const hint =
      codeOf(cause) === "EACCES"
        ? "Run Roadstead as root or as a member of the group `docker`."
        : `Is the Docker engine running? Try \`docker info\`; the socket is ${this.socketPath}.`;
    return runtimeError("RUNTIME_UNREACHABLE", `the Docker engine does not answer: ${messageOf(cause)}`, {
      hint,
      cause,
    });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function timedOut(call: EngineRequest): Error {
  const seconds = (call.timeoutMs ?? defaultTimeoutMs) / 1000;
  return runtimeError(
    "RUNTIME_UNREACHABLE",
    `the Docker engine did not answer ${call.method} ${call.path} within ${seconds} s`,
    { hint: "The engine or the machine may be overloaded; try `docker info` and look at the engine's log." },
  );
}

async function refusalOf(answer: IncomingMessage): Promise<EngineRefusal> {
  const text = await readAll(answer);
  let message = text.trim();
  try {
    message = (JSON.parse(text) as { message?: string }).message ?? message;
  } catch {
    // Not JSON: the engine's plain text is the message.
  }
  return new EngineRefusal(answer.statusCode ?? 500, message);
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) {
      answer.destroy();
      throw runtimeError("RUNTIME_UNREACHABLE", "the Docker engine's answer is too large");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function queryText(query: EngineRequest["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** Orders API versions such as `1.9` and `1.41`: negative when `a` is the older. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
