import { z } from "zod";
import { forgeError } from "../errors.ts";
import { checked, jsonOf } from "../payloads.ts";
import type { Forge, ForgeEvent, HookRequest, Proof } from "../port.ts";
import { checkHmac, deliveryIdOf, header, isSameSecret } from "../signature.ts";

const bodySchema = z.object({
  /** Branch; `refs/heads/…` is accepted too. */
  ref: z.string().max(250).optional(),
  branch: z.string().max(250).optional(),
});

/**
 * A webhook with a token, for what has no signatures: `curl -H "Authorization: Bearer …"` in any CI, in the style of
 * Coolify's. A signature of the body in X-Hub-Signature-256 is taken instead of a token.
 */
export class PlainWebhook implements Forge {
  readonly kind = "plain";

  verify(request: HookRequest, secret: string, options: { urlToken?: boolean } = {}): Proof {
    // What a caller repeats on purpose has no id; one that sends an id means it.
    const id = deliveryIdOf(request, "idempotency-key");
    if (header(request, "x-hub-signature-256") !== "") {
      checkHmac(request, "x-hub-signature-256", secret);
      return { ...id, signed: true };
    }
    const [, bearer] = /^Bearer (\S{1,500})$/i.exec(header(request, "authorization")) ?? [];
    if (bearer === undefined && request.urlToken !== undefined && !options.urlToken)
      throw forgeError("FORGE_TOKEN_IN_URL", "the token is in the address, where it was not allowed");
    const given = bearer ?? request.urlToken;
    if (given === undefined || given === "")
      throw forgeError("FORGE_SIGNATURE_MISSING", "there is no token", {
        hint: "Send `authorization: Bearer …` with the token that `roadstead source NAME --webhook plain` printed.",
      });
    if (!isSameSecret(given, secret))
      throw forgeError("FORGE_SIGNATURE_INVALID", "the token is not this webhook's");
    return { ...id, signed: false };
  }

  parse(request: HookRequest): ForgeEvent {
    if (request.body.length === 0) return { type: "deploy" };
    const { ref, branch } = checked(bodySchema, jsonOf(request));
    const name = (branch ?? ref)?.replace(/^refs\/heads\//, "");
    return name === undefined || name === "" ? { type: "deploy" } : { type: "deploy", branch: name };
  }
}
