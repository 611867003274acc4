import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { environmentOf, sourceSettings } from "../delivery/source-settings.ts";
import { may, maySomewhere } from "../policy/permissions.ts";
import { demand } from "./auth/access.ts";
import type { Guard } from "./auth/guard.ts";
import type { Identity } from "./auth/identity.ts";
import { apiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { followPush, type PushedRef } from "./push-answer.ts";
import { readPushedRefs } from "./push-commands.ts";

/** A push may take this long from its start to its hook's call. */
const ticketMs = 30 * 60_000;
/** Ref updates of one push beyond this are refused: nobody pushes so many branches by hand. */
const maxRefs = 100;

type Ticket = { source: string; user: Identity; until: number };

/**
 * Smart HTTP for git clients: `git push http://roadstead@HOST/git/<stack>.git main` with an API token as the password.
 * The push's own hook comes back over loopback with a ticket that is good for this push alone, and prints what it is
 * answered: the run's output, live, in the pusher's terminal.
 */
export function gitRoutes(
  app: FastifyInstance,
  parts: ApiParts,
  options: { guard: Guard; closing: AbortSignal; ownAddress: () => string },
): void {
  const tickets = new Tickets(parts);
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Packs are streamed to git, not read into memory.
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    scope.route<{ Params: { name: string; "*": string } }>({
      method: ["GET", "POST"],
      url: "/git/:name/*",
      exposeHeadRoute: false,
      config: { access: { needs: "read" } },
      onRequest: async (request, reply) => {
        try {
          authenticated(request, options.guard);
        } catch (error) {
          // git asks the user or the credential helper only when it sees this.
          reply.header("www-authenticate", 'Basic realm="Roadstead: any user, an API token as password"');
          throw error;
        }
      },
      handler: async (request, reply) => {
        const user = authenticated(request, options.guard);
        return await answerGit({ request, reply, parts, user, tickets, options });
      },
    });
    scope.route({
      method: "POST",
      url: "/git-hook",
      config: { access: "signed" },
      handler: async (request, reply) => {
        const ticket = tickets.take(String(request.headers["x-roadstead-ticket"] ?? ""));
        if (!ticket)
          return reply.code(401).send({ error: { code: "API_TOKEN_INVALID", message: "no such push" } });
        const refs = parseRefs(await readText(request.raw));
        reply.hijack();
        reply.raw.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
        const gone = new AbortController();
        reply.raw.on("close", () => gone.abort());
        const signal = AbortSignal.any([gone.signal, options.closing]);
        const write = (line: string) => void reply.raw.write(`${line}\n`);
        try {
          await followPush(parts, { source: ticket.source, user: ticket.user, refs }, write, signal);
        } finally {
          reply.raw.end();
        }
      },
    });
  });
}

type GitCall = {
  request: FastifyRequest<{ Params: { name: string; "*": string } }>;
  reply: FastifyReply;
  parts: ApiParts;
  user: Identity;
  tickets: Tickets;
  options: { closing: AbortSignal; ownAddress: () => string };
};

async function answerGit({ request, reply, parts, user, tickets, options }: GitCall): Promise<FastifyReply> {
  const source = request.params.name.replace(/\.git$/, "");
  const path = `/${request.params["*"]}`;
  if (!/^\/(info\/refs|git-upload-pack|git-receive-pack)$/.test(path)) return reply.code(404).send();
  const { signal } = gone(reply);
  const query = request.url.split("?")[1] ?? "";
  const pushes = path === "/git-receive-pack" || query.includes("service=git-receive-pack");
  assertMay(user, pushes ? "develop" : "read", source);
  const body =
    path === "/git-receive-pack" ? await assertMayPush({ request, parts, user }, source) : request.raw;
  // A first push makes the source: the repository is all that it needs.
  if (pushes) await parts.sources.ensure(source, signal);
  const answer = await parts.sources.serve(
    source,
    {
      method: request.method === "POST" ? "POST" : "GET",
      path,
      query,
      contentType: request.headers["content-type"] ?? "",
      contentEncoding: request.headers["content-encoding"] ?? "",
      protocol: String(request.headers["git-protocol"] ?? ""),
      body,
      user: user.name,
      hook: {
        ROADSTEAD_HOOK_URL: `${options.ownAddress()}/git-hook`,
        ROADSTEAD_HOOK_TICKET: pushes ? tickets.issue({ source, user }) : "",
      },
    },
    AbortSignal.any([signal, options.closing]),
  );
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
}

function authenticated(request: FastifyRequest, guard: Guard): Identity {
  return guard.authenticate({ headers: asBearer(request), address: request.ip }, "change");
}

/** Of a repository that somebody may not even read, they do not learn that it is there. */
function assertMay({ grants }: Identity, needs: "read" | "develop", source: string): void {
  if (maySomewhere(grants, needs, source)) return;
  if (maySomewhere(grants, "read", source))
    throw apiError("API_FORBIDDEN", `this needs the permission to ${needs} on ${source}`);
  throw apiError("API_NOT_FOUND", `there is no repository ${source}, or you have no access to it`);
}

/** A branch that an environment follows is moved only by who may deploy there. Answers the body as it came. */
async function assertMayPush(
  { request, parts, user }: Pick<GitCall, "request" | "parts" | "user">,
  source: string,
): Promise<Readable> {
  const { refs, body } = await readPushedRefs(request.raw);
  // Packed or signed in a way that is not read here: then only by who may everything on the source.
  if (refs === undefined || request.headers["content-encoding"] !== undefined)
    demand(user, "develop", { stack: source });
  const settings = sourceSettings(parts.store, source);
  for (const ref of refs ?? []) {
    const environment = environmentOf(settings, ref.replace(/^refs\/heads\//, ""));
    if (environment !== undefined) demandDevelop(user, source, environment);
  }
  return body;
}

function demandDevelop({ grants }: Identity, stack: string, environment: string): void {
  if (!may(grants, "develop", { stack, environment }))
    throw apiError("API_FORBIDDEN", `you may not deploy to ${stack}/${environment}`);
}

function gone(reply: FastifyReply): AbortController {
  const controller = new AbortController();
  reply.raw.on("close", () => {
    if (!reply.raw.writableFinished) controller.abort(new Error("the git client went away"));
  });
  return controller;
}

/** git sends the token as the password of any user. */
function asBearer(request: FastifyRequest): Record<string, string | string[] | undefined> {
  const [, basic] = /^Basic ([A-Za-z0-9+/=]{1,500})$/i.exec(request.headers.authorization ?? "") ?? [];
  if (basic === undefined) return request.headers;
  const password = Buffer.from(basic, "base64").toString("utf8").split(":").slice(1).join(":");
  return { ...request.headers, authorization: `Bearer ${password}` };
}

class Tickets {
  readonly #parts: Pick<ApiParts, "clock">;
  readonly #open = new Map<string, Ticket>();

  constructor(parts: Pick<ApiParts, "clock">) {
    this.#parts = parts;
  }

  issue(push: { source: string; user: Identity }): string {
    const now = this.#parts.clock.now();
    for (const [key, { until }] of this.#open) if (until <= now) this.#open.delete(key);
    const ticket = randomBytes(24).toString("base64url");
    this.#open.set(ticket, { ...push, until: now + ticketMs });
    return ticket;
  }

  take(ticket: string): Ticket | undefined {
    const found = this.#open.get(ticket);
    this.#open.delete(ticket);
    return found && found.until > this.#parts.clock.now() ? found : undefined;
  }
}

function parseRefs(text: string): PushedRef[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .slice(0, maxRefs)
    .map((line) => {
      const [before = "", after = "", ref = ""] = line.split(" ");
      return { before, after, ref };
    });
}

async function readText(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += chunk.toString("utf8");
    if (text.length > 100_000) throw new Error("too many refs in one push");
  }
  return text;
}
