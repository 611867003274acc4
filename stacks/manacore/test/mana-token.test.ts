import assert from "node:assert/strict";
import { before, test } from "node:test";
import { tokenAlgorithm, verifyManaToken } from "@manacore/platform/mana-token";
import {
  type CryptoKey,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWTVerifyGetKey,
  SignJWT,
  UnsecuredJWT,
} from "jose";

const issuer = "mana-core-auth";
const sub = "00000000-0000-4000-8000-000000000001";
let ours: CryptoKey;
let keys: JWTVerifyGetKey;

before(async () => {
  const pair = await generateKeyPair(tokenAlgorithm, { crv: "Ed25519", extractable: true });
  ours = pair.privateKey;
  keys = createLocalJWKSet({
    keys: [{ ...(await exportJWK(pair.publicKey)), kid: "a", alg: tokenAlgorithm }],
  });
});

type Draft = {
  claims?: Record<string, unknown>;
  expires?: string | number;
  from?: string;
  kid?: string;
  key?: CryptoKey;
};

function sign({ claims, expires = "5m", from = issuer, kid = "a", key = ours }: Draft = {}): Promise<string> {
  return new SignJWT({ role: "user", app_id: "chat", ...claims })
    .setProtectedHeader({ alg: tokenAlgorithm, kid })
    .setSubject(sub)
    .setIssuer(from)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(key);
}

test("a valid token gives its claims (R-247)", async () => {
  assert.deepEqual(await verifyManaToken(await sign(), keys, issuer), {
    ok: true,
    claims: { sub, role: "user", app_id: "chat" },
  });
});

test("an expired token says so (R-247)", async () => {
  const token = await sign({ expires: Math.floor(Date.now() / 1000) - 60 });
  assert.deepEqual(await verifyManaToken(token, keys, issuer), { ok: false, reason: "expired" });
});

test("what the auth service did not sign is not valid (R-247)", async () => {
  const { privateKey } = await generateKeyPair(tokenAlgorithm, { crv: "Ed25519" });
  const unsigned = new UnsecuredJWT({ role: "user", app_id: "chat" })
    .setSubject(sub)
    .setIssuer(issuer)
    .setExpirationTime("5m")
    .encode();
  const tokens = [
    await sign({ key: privateKey }),
    await sign({ kid: "unknown" }),
    await sign({ from: "somebody" }),
    await sign({ claims: { role: "owner" } }),
    unsigned,
    "not.a.token",
    "",
  ];
  for (const token of tokens)
    assert.deepEqual(await verifyManaToken(token, keys, issuer), { ok: false, reason: "invalid" }, token);
});

test("keys that cannot be fetched are no verdict on the token", async (context) => {
  context.mock.method(process.stderr, "write", () => true);
  const unreachable: JWTVerifyGetKey = () => Promise.reject(new TypeError("fetch failed"));
  assert.deepEqual(await verifyManaToken(await sign(), unreachable, issuer), {
    ok: false,
    reason: "no-keys",
  });
});
