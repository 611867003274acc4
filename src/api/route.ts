import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { messageOf } from "../lib/platform-error.ts";
import { type AccessTarget, may, type Permission } from "../policy/permissions.ts";
import type { Actor } from "../reconciler/engine.ts";
import { authorize, demand, sees } from "./auth/access.ts";
import type { Guard } from "./auth/guard.ts";
import type { Identity } from "./auth/identity.ts";
import { apiPrefix, type Endpoint } from "./contract/endpoint.ts";
import { errorAnswer } from "./error-answer.ts";
import { apiError } from "./errors.ts";
import { parseInput } from "./input.ts";
import { maskEverywhere } from "./mask-everywhere.ts";
import type { ApiParts } from "./parts.ts";
import { ReplyStream } from "./reply-stream.ts";

/** More open streams than this at once are refused: each holds a socket and a reader. */
const streamLimit = 200;
/** Who was signed out or lost a role is shown nothing more of an open stream after this long. */
const recheckMs = 30_000;

type Parsed<E, Key extends string> = E extends { [K in Key]: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : undefined;

/** A request that was authenticated and parsed. */
export type ApiCall<E extends Endpoint> = {
  params: Parsed<E, "params">;
  query: Parsed<E, "query">;
  body: Parsed<E, "body">;
  /** Who calls, for the audit trail; the reason comes from the input. */
  actor: (reason?: string) => Actor;
  /** Absent where the endpoint is anonymous. */
  identity: Identity | undefined;
  /** Whether the caller holds a permission there: for answers that show a part of many. */
  may: (permission: Permission, target: AccessTarget) => boolean;
  /** Whether the caller may know of it at all: of a stack, or of one of its environments. */
  sees: (target: AccessTarget) => boolean;
  /** Refuses unless the endpoint's permission is held there, for targets that stand in the input. */
  demand: (target: AccessTarget) => void;
  address: string;
  agent: string;
  /** Over TLS, here or at a proxy before us. */
  secure: boolean;
  setCookie: (cookie: string) => void;
  lastEventId: string | undefined;
};

type Handler<E extends Endpoint> = (
  call: ApiCall<E>,
) => z.input<E["response"]> | Promise<z.input<E["response"]>>;

/** An item and, for server-sent events, the id and name to resume by. */
export type StreamItem<T> = { item: T; id?: string; event?: string };

/**
 * Refuses before the first item by throwing in `prepare`; then the head is sent and items follow. A later failure is
 * the last item.
 */
type StreamHandler<E extends Endpoint> = (
  call: ApiCall<E>,
) => Promise<(signal: AbortSignal) => AsyncIterable<StreamItem<z.input<E["response"]>>>>;

/** Makes routes of the contract's endpoints: authenticate, parse, call, check the answer. */
export class Router {
  readonly app: FastifyInstance;
  readonly parts: ApiParts;
  readonly closing: AbortSignal;
  readonly #guard: Guard;
  readonly #callers = new WeakMap<FastifyRequest, Identity>();
  #streams = 0;

  constructor(app: FastifyInstance, parts: ApiParts, options: { guard: Guard; closing: AbortSignal }) {
    this.app = app;
    this.parts = parts;
    this.closing = options.closing;
    this.#guard = options.guard;
  }

  answer<E extends Endpoint>(endpoint: E, handler: Handler<E>): void {
    this.#route(endpoint, async (request, reply) => {
      const answer = await handler(this.#call(endpoint, request, reply));
      const checked = endpoint.response.safeParse(answer);
      if (!checked.success)
        throw apiError("API_INTERNAL", "the answer does not fit the contract", { cause: checked.error });
      return reply.code(endpoint.status ?? 200).send(checked.data);
    });
  }

  stream<E extends Endpoint>(endpoint: E, handler: StreamHandler<E>): void {
    const sse = endpoint.stream === "sse";
    this.#route(endpoint, async (request, reply) => {
      const items = await handler(this.#call(endpoint, request, reply));
      if (this.closing.aborted) throw apiError("API_CLOSING", "the control plane is closing");
      if (this.#streams >= streamLimit)
        throw apiError("API_TOO_MANY_STREAMS", `${streamLimit} streams are open already`);
      this.#streams += 1;
      reply.hijack();
      const stream = new ReplyStream(reply.raw, {
        clock: this.parts.clock,
        closing: this.closing,
        headers: {
          ...(reply.getHeaders() as Record<string, string>),
          "content-type": sse ? "text/event-stream; charset=utf-8" : "application/x-ndjson; charset=utf-8",
        },
        heartbeat: sse ? ": still here\n\n" : "\n",
      });
      try {
        let checkedAt = this.parts.clock.now();
        for await (const item of items(stream.signal)) {
          if (!endpoint.anonymous && this.parts.clock.now() - checkedAt >= recheckMs) {
            this.#admit(endpoint, request);
            checkedAt = this.parts.clock.now();
          }
          await stream.write(sse ? asEvent(item) : asLine(item));
        }
      } catch (error) {
        if (!stream.signal.aborted) await this.#lastItem(stream, error, { sse, requestId: request.id });
      } finally {
        this.#streams -= 1;
        stream.end();
      }
    });
  }

  #route(
    endpoint: Endpoint,
    handle: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ): void {
    this.app.route({
      method: endpoint.method,
      url: `${apiPrefix}${endpoint.path}`,
      exposeHeadRoute: false,
      config: { access: endpoint.anonymous ? "anonymous" : { needs: endpoint.needs ?? "nobody" } },
      // Before the body is read: a stranger must not make the control plane take in 32 MiB.
      onRequest: async (request) => {
        if (!endpoint.anonymous) this.#callers.set(request, this.#admit(endpoint, request));
      },
      handler: handle,
    });
  }

  /** Refuses who may not make this request; else says who it is. */
  #admit(endpoint: Endpoint, request: FastifyRequest): Identity {
    const caller = { headers: request.headers, address: request.ip, secure: isSecure(request) };
    const identity = this.#guard.authenticate(caller, endpoint.method === "GET" ? "read" : "change");
    authorize(this.parts, identity, { endpoint, params: request.params as Record<string, string> });
    return identity;
  }

  #call<E extends Endpoint>(endpoint: E, request: FastifyRequest, reply: FastifyReply): ApiCall<E> {
    const caller = this.#callers.get(request);
    if (!caller && !endpoint.anonymous) throw apiError("API_TOKEN_MISSING", "this needs an API token");
    const { name = "anonymous", aliases = [], grants = [] } = caller ?? {};
    const { params, query, body } = request;
    const input = parseInput(endpoint, { params, query, body });
    const lastEventId = request.headers["last-event-id"];
    return {
      ...(input as Pick<ApiCall<E>, "params" | "query" | "body">),
      actor: (reason = "") => {
        const kept = reason === "" ? reason : maskEverywhere(this.parts, reason);
        return { name, reason: kept, aliases, from: request.ip };
      },
      lastEventId: Array.isArray(lastEventId) ? lastEventId[0] : lastEventId,
      identity: caller,
      may: (permission, target) => may(grants, permission, target),
      sees: (target) => sees({ grants }, target),
      demand: (target) => demand({ grants }, endpoint.needs ?? "administer", target),
      address: request.ip,
      agent: String(request.headers["user-agent"] ?? ""),
      secure: isSecure(request),
      setCookie: (cookie) => void reply.header("set-cookie", cookie),
    };
  }

  async #lastItem(
    stream: ReplyStream,
    error: unknown,
    { sse, requestId }: { sse: boolean; requestId: string },
  ): Promise<void> {
    this.parts.log("error", `a stream failed: ${messageOf(error)}`, { requestId });
    const item = { error: errorAnswer(error, requestId).body };
    await stream.write(sse ? asEvent({ item, event: "error" }) : asLine({ item })).catch(() => undefined);
  }
}

/** TLS here, or at a proxy on this machine: nobody else is believed about it. */
export function isSecure(request: FastifyRequest): boolean {
  return request.protocol === "https";
}

function asEvent({ item, id, event }: StreamItem<unknown>): string {
  return `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(item)}\n\n`;
}

function asLine({ item }: StreamItem<unknown>): string {
  return `${JSON.stringify(item)}\n`;
}
