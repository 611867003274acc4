import { z } from "zod";
import { forgeError } from "../errors.ts";
import { checked, jsonOf, parsePullRequest, parsePush } from "../payloads.ts";
import type { CommitStatus, Forge, ForgeEvent, HookRequest, Proof, StatusPlace } from "../port.ts";
import { sendStatus } from "../send-status.ts";
import { checkHmac, deliveryIdOf, header } from "../signature.ts";

const publicApi = "https://api.github.com";

const version = z.object({
  container_metadata: z
    .object({ tag: z.object({ name: z.string().optional(), digest: z.string().optional() }).optional() })
    .nullish(),
  /** `ghcr.io/owner/name:tag` */
  package_url: z.string().max(500).optional(),
});
const onePackage = z.object({ name: z.string(), package_version: version.nullish() });
/** The event has two names, and its content is named like it. */
const packageSchema = z.object({ registry_package: onePackage.optional(), package: onePackage.optional() });

/** Webhooks of github.com and GitHub Enterprise Server; commit statuses through its REST API. */
export class GitHub implements Forge {
  readonly kind = "github";

  verify(request: HookRequest, secret: string): Proof {
    if (header(request, "x-hub-signature-256") === "")
      throw forgeError("FORGE_SIGNATURE_MISSING", "there is no x-hub-signature-256");
    checkHmac(request, "x-hub-signature-256", secret);
    return { ...deliveryIdOf(request, "x-github-delivery"), signed: true };
  }

  parse(request: HookRequest): ForgeEvent {
    const name = header(request, "x-github-event").slice(0, 100);
    switch (name) {
      case "push":
        return parsePush(jsonOf(request));
      case "pull_request":
        return parsePullRequest(jsonOf(request));
      case "registry_package":
      case "package":
        return parsePackage(jsonOf(request), name);
      case "":
        throw forgeError("FORGE_BODY_INVALID", "there is no x-github-event", {
          hint: "Is it a GitHub webhook?",
        });
      default:
        return { type: "other", name };
    }
  }

  async setStatus(at: StatusPlace, status: CommitStatus, signal: AbortSignal): Promise<void> {
    const headers = {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${at.token}`,
      "x-github-api-version": "2022-11-28",
    };
    await sendStatus(at.apiUrl ?? publicApi, headers, at, status, signal);
  }
}

function parsePackage(body: unknown, name: string): ForgeEvent {
  const event = checked(packageSchema, body);
  const found = (event.registry_package ?? event.package)?.package_version;
  const [, image, named] = /^([^\s:]+(?::\d+\/[^\s:]+)?):?([^\s:]*)$/.exec(found?.package_url ?? "") ?? [];
  const { name: tagged, digest } = found?.container_metadata?.tag ?? {};
  const tag = tagged || named || "";
  // Packages of other ecosystems have no image; a version without a tag is one layer of a multi-platform push.
  if (image === undefined || tag === "") return { type: "other", name };
  return {
    type: "package",
    image: image.toLowerCase(),
    tag,
    ...(digest === undefined || digest === "" ? {} : { digest }),
  };
}
