import { randomBytes } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import { sha256 } from "../../lib/hash.ts";
import type { Ids } from "../../lib/ids.ts";
import type { ApiToken, Store } from "../../store/port.ts";

/** The prefix lets secret scanners recognise a leaked token. */
const prefix = "road_";

/** 256 random bits: no dictionary helps, so a plain SHA-256 is enough to store. */
export function createToken(
  name: string,
  { store, ids, clock }: { store: Store; ids: Ids; clock: Clock },
  access: Pick<ApiToken, "grants" | "expiresAt" | "owner"> = {},
): ApiToken & { secret: string } {
  const secret = `${prefix}${randomBytes(32).toString("base64url")}`;
  const token = { id: ids.next("tok"), name, createdAt: clock.now(), ...access };
  store.tokens.create({ ...token, secretHash: hashOf(secret) });
  return { ...token, secret };
}

/** Looked up by its hash: the time that takes says nothing about the token, only about a hash nobody can steer. */
export function findToken(store: Store, secret: string): ApiToken | undefined {
  return secret.startsWith(prefix) ? store.tokens.findByHash(hashOf(secret)) : undefined;
}

/** At the first start: the secret of the one token to begin with. `undefined` when there are tokens already. */
export function ensureFirstToken(store: Store, ids: Ids, clock: Clock): string | undefined {
  return store.transaction(() => {
    if (store.tokens.list().length > 0) return undefined;
    const token = createToken("first", { store, ids, clock });
    store.audit.append({
      at: token.createdAt,
      actor: "roadstead",
      action: "token.create",
      target: token.id,
      detail: { name: token.name },
    });
    return token.secret;
  });
}

function hashOf(secret: string): string {
  return sha256(secret);
}
