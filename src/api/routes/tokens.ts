import { adminEverywhere, may, mayGive } from "../../policy/permissions.ts";
import type { ApiToken } from "../../store/port.ts";
import { audited } from "../audited.ts";
import { createToken } from "../auth/token.ts";
import { systemEndpoints } from "../contract/system.ts";
import { apiError } from "../errors.ts";
import { maskEverywhere } from "../mask-everywhere.ts";
import type { ApiCall, Router } from "../route.ts";

type Who = Pick<ApiCall<never>, "identity" | "may">;

/** Tokens: whoever is signed in makes their own, of at most their own rights; administrators make and see all. */
export function tokenRoutes(router: Router): void {
  const { parts } = router;
  const { store, clock } = parts;

  router.answer(systemEndpoints.tokens, (call) => ({
    tokens: store.tokens.list().filter((token) => isVisible(call, token)),
  }));

  router.answer(systemEndpoints.createToken, ({ body, actor, identity, may: holds }) => {
    const administers = holds("administer", {});
    // A token that ends, or that may little, must not make one that does not.
    if (identity?.session === undefined && !administers)
      throw apiError("API_FORBIDDEN", "a token can't make tokens; sign in, or use an administrator's");
    const grants = body.grants ?? identity?.grants ?? [];
    if (!mayGive(identity?.grants ?? [], grants))
      throw apiError("API_FORBIDDEN", "a token can't have more rights than who makes it");
    if (body.expiresAt !== undefined && body.expiresAt <= clock.now())
      throw apiError("API_INPUT_INVALID", "body.expiresAt: must be in the future");
    return audited(parts, { by: actor(), action: "token.create", target: body.name }, (detail) => {
      const token = createToken(maskEverywhere(parts, body.name), parts, {
        grants,
        ...(body.expiresAt === undefined ? {} : { expiresAt: body.expiresAt }),
        ...(identity?.user === undefined ? {} : { owner: identity.user }),
      });
      const { secret: _secret, ...after } = token;
      detail({ id: token.id, after });
      return token;
    });
  });

  router.answer(systemEndpoints.removeToken, (call) =>
    audited(parts, { by: call.actor(), action: "token.remove", target: call.params.id }, (detail) => {
      const tokens = store.tokens.list();
      const token = tokens.find((one) => one.id === call.params.id && isVisible(call, one));
      if (!token) throw apiError("API_NOT_FOUND", `there is no token ${call.params.id}`);
      if (isMaster(token) && tokens.filter(isMaster).length === 1)
        throw apiError("API_LAST_TOKEN", "the last token for everything can't be removed");
      store.tokens.remove(token.id);
      detail({ name: token.name, before: token });
      return { removed: true as const };
    }),
  );
}

function isVisible({ identity, may: holds }: Who, token: ApiToken): boolean {
  return holds("administer", {}) || (identity?.user !== undefined && token.owner === identity.user);
}

/** What the machine itself, and whoever has locked themselves out, gets in with. */
function isMaster({ owner, expiresAt, grants = adminEverywhere }: ApiToken): boolean {
  return owner === undefined && expiresAt === undefined && may(grants, "administer", {});
}
