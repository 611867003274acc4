import { z } from "zod";
import { forgeError } from "../errors.ts";
import { checked, jsonOf, parsePullRequest, parsePush } from "../payloads.ts";
import type { CommitStatus, Forge, ForgeEvent, HookRequest, Proof, StatusPlace } from "../port.ts";
import { sendStatus } from "../send-status.ts";
import { checkHmac, deliveryIdOf, header } from "../signature.ts";

const packageSchema = z.object({
  action: z.string(),
  package: z.object({
    type: z.string(),
    name: z.string().max(300),
    version: z.string().max(300),
    html_url: z.string().max(1000).optional(),
    owner: z.object({ login: z.string().max(200) }).nullish(),
  }),
});

/**
 * Webhooks and statuses of Gitea, and of Forgejo, which took them over and added headers of its own name. Both also
 * send GitHub's headers for programs that know only those; only the own ones count here.
 */
export class Gitea implements Forge {
  readonly kind: "gitea" | "forgejo";
  /** `x-gitea` or `x-forgejo`. */
  readonly #prefix: string;

  constructor(kind: "gitea" | "forgejo" = "gitea") {
    this.kind = kind;
    this.#prefix = `x-${kind}`;
  }

  verify(request: HookRequest, secret: string): Proof {
    const name = `${this.#prefix}-signature`;
    if (header(request, name) === "") throw forgeError("FORGE_SIGNATURE_MISSING", `there is no ${name}`);
    checkHmac(request, name, secret);
    return { ...deliveryIdOf(request, `${this.#prefix}-delivery`), signed: true };
  }

  parse(request: HookRequest): ForgeEvent {
    const name = header(request, `${this.#prefix}-event`).slice(0, 100);
    switch (name) {
      case "push":
        return parsePush(jsonOf(request));
      case "pull_request":
      // Older versions name the event by what happened to the pull request.
      case "pull_request_sync":
        return parsePullRequest(jsonOf(request));
      case "package":
        return parsePackage(jsonOf(request));
      case "":
        throw forgeError("FORGE_BODY_INVALID", `there is no ${this.#prefix}-event`, {
          hint: `Is it a webhook of the kind ${this.kind}?`,
        });
      default:
        return { type: "other", name };
    }
  }

  async setStatus(at: StatusPlace, status: CommitStatus, signal: AbortSignal): Promise<void> {
    if (at.apiUrl === undefined)
      throw forgeError("FORGE_REFUSED", `a ${this.kind} has no public address`, {
        hint: "Name it with `roadstead source NAME --status-api https://git.example.com`.",
      });
    const headers = { accept: "application/json", authorization: `token ${at.token}` };
    const api = `${at.apiUrl.replace(/\/+$/, "").replace(/\/api\/v1$/, "")}/api/v1`;
    await sendStatus(api, headers, at, status, signal);
  }
}

function parsePackage(body: unknown): ForgeEvent {
  const { action, package: found } = checked(packageSchema, body);
  const host = hostOf(found.html_url ?? "");
  const owner = found.owner?.login;
  if (action !== "created" || found.type !== "container" || host === undefined || owner === undefined)
    return { type: "other", name: `package ${action}` };
  const digest = /^sha256:[0-9a-f]{64}$/.test(found.version);
  // Each platform of an image is announced by its digest, the image itself by its tag.
  if (digest) return { type: "other", name: "package of one platform" };
  return { type: "package", image: `${host}/${owner}/${found.name}`.toLowerCase(), tag: found.version };
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
