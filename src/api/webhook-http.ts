import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { WebhookName } from "../delivery/webhook.ts";
import { webhookError } from "../delivery/webhook.ts";
import { type ForgeKind, forgeKinds } from "../forge/port.ts";
import { FailureLimit } from "../lib/failure-limit.ts";
import { PlatformError } from "../lib/platform-error.ts";
import { apiError, statusOf } from "./errors.ts";
import type { ApiParts } from "./parts.ts";

/** GitHub sends up to 25 MiB, but a push of thousands of commits has less than this. */
const bodyLimitBytes = 8 * 1024 * 1024;

type Params = { source: string; kind: string; name?: string };
type HookRoute = { Params: Params; Querystring: { token?: unknown } };

/**
 * `POST /hooks/SOURCE/KIND[/NAME]`, raw because signatures cover the bytes as they came. Who calls is proved by the
 * signature alone; an unknown webhook and a wrong secret look the same from outside.
 */
export function webhookRoutes(app: FastifyInstance, parts: ApiParts): void {
  const failures = new FailureLimit(parts.clock);
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    for (const url of ["/hooks/:source/:kind", "/hooks/:source/:kind/:name"])
      scope.route<HookRoute>({
        method: "POST",
        url,
        config: { access: "signed" },
        handler: async (request, reply) => {
          try {
            return await answer(parts, request, reply);
          } catch (error) {
            const forged = error instanceof PlatformError && statusOf(error.code) === 401;
            // Neither log nor audit trail is filled by an address that only guesses.
            if (forged && !failures.count(request.ip))
              throw apiError("API_TOO_MANY_FAILURES", "too many refused webhooks from this address");
            const name = nameOf(request.params);
            if (name) parts.webhooks.refused({ ...name, address: request.ip }, error);
            throw error;
          }
        },
      });
  });
}

async function answer(
  parts: ApiParts,
  request: FastifyRequest<HookRoute>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { webhooks } = parts;
  const name = nameOf(request.params);
  // Before the body is read: nobody makes the control plane take in megabytes without a webhook to send them to.
  if (!name || !webhooks.book.get(name)) throw webhookError("WEBHOOK_UNKNOWN", "there is no such webhook");
  const { token } = request.query;
  const outcome = await webhooks.receive({
    ...name,
    address: request.ip,
    request: {
      headers: request.headers,
      body: await readAll(request.raw),
      ...(typeof token === "string" ? { urlToken: token } : {}),
    },
  });
  switch (outcome.kind) {
    case "accepted": {
      const { id, commit, scope } = outcome.run;
      return reply.code(202).send({ run: id, commit, environment: scope.environment });
    }
    case "closing":
      return reply.code(202).send({ closing: outcome.preview.name });
    case "updating":
      return reply.code(202).send({ updating: outcome.services });
    case "ignored":
      return reply.code(204).header("x-roadstead-ignored", printable(outcome.reason)).send();
  }
}

function nameOf({ source, kind, name = "all" }: Params): WebhookName | undefined {
  const known = forgeKinds.find((one): one is ForgeKind => one === kind);
  const valid = /^[a-z0-9][a-z0-9_-]{0,62}$/.test(source) && /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,200}$/.test(name);
  return known && valid ? { source, kind: known, name } : undefined;
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > bodyLimitBytes)
      throw apiError("API_BODY_TOO_LARGE", "the body of a webhook may have 8 MiB", {
        hint: "Choose fewer events for the webhook.",
      });
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** What a header may hold; a branch can have any letters. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 200);
}
