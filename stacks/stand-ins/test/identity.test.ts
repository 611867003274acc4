import assert from "node:assert/strict";
import { createHash, createPublicKey, type JsonWebKey, randomBytes, verify } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { startIdentity } from "../src/identity/identity.ts";
import { Browser } from "./browser.ts";
import { post } from "./control.ts";

let identity: Awaited<ReturnType<typeof startIdentity>>;

before(async () => {
  identity = await startIdentity({
    PORT: "0",
    HOST: "127.0.0.1",
    REDIRECT_URIS: "http://lila.localhost:*/callback",
  });
});
after(() => identity.close());
beforeEach(() => post(identity.url, "reset"));

const redirectUri = "http://lila.localhost:4711/callback";
const secret = { client_id: "stand-in-client", client_secret: "stand-in-secret" };
const verifier = randomBytes(32).toString("base64url");
const challenge = createHash("sha256").update(verifier).digest("base64url");

type Discovery = {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  jwks_uri: string;
  userinfo_endpoint: string;
};
type Tokens = { id_token: string; access_token: string; refresh_token?: string };

const discover = async () =>
  (await (await fetch(`${identity.url}/.well-known/openid-configuration`)).json()) as Discovery;

function authorizeUrl(endpoint: string, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    client_id: secret.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid email profile",
    state: "state-1",
    nonce: "nonce-1",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...more,
  });
  return `${endpoint}?${query}`;
}

function exchange(endpoint: string, code: string, more: Record<string, string> = {}): Promise<Response> {
  const grant = {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
  return fetch(endpoint, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams({ ...secret, ...grant, ...more }),
  });
}

async function googleCode(more: Record<string, string> = {}, person = "ada@example.com"): Promise<URL> {
  const { authorization_endpoint } = await discover();
  return new Browser().signIn(authorizeUrl(authorization_endpoint, more), { person }, redirectUri);
}

async function verifiedClaims(jwksUri: string, token: string): Promise<Record<string, unknown>> {
  const [head = "", body = "", signature = ""] = token.split(".");
  const { keys } = (await (await fetch(jwksUri)).json()) as { keys: JsonWebKey[] };
  const key = createPublicKey({ key: keys[0] ?? {}, format: "jwk" });
  assert.ok(verify("RSA-SHA256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url")));
  return JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Record<string, unknown>;
}

test("R-243: Google: discovery, code with PKCE, a signed ID token, user info", async () => {
  const found = await discover();
  assert.equal(found.issuer, `http://localhost:${identity.port}`);
  assert.ok(found.authorization_endpoint.startsWith(`http://localhost:${identity.port}/`));
  assert.ok(found.token_endpoint.startsWith(identity.url), "servers are told the address that they asked at");
  const back = await googleCode();
  assert.equal(back.searchParams.get("state"), "state-1");
  const tokens = (await (
    await exchange(found.token_endpoint, back.searchParams.get("code") ?? "")
  ).json()) as Tokens;
  assert.equal(tokens.refresh_token, undefined);
  const claims = await verifiedClaims(found.jwks_uri, tokens.id_token);
  assert.equal(claims["iss"], found.issuer);
  assert.equal(claims["aud"], secret.client_id);
  assert.equal(claims["nonce"], "nonce-1");
  assert.equal(claims["email"], "ada@example.com");
  assert.equal(claims["email_verified"], true);
  assert.equal(claims["name"], "Ada Lovelace");
  const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } };
  const userinfo = (await (await fetch(found.userinfo_endpoint, bearer)).json()) as Record<string, unknown>;
  assert.equal(userinfo["sub"], claims["sub"]);
  assert.equal(userinfo["email"], "ada@example.com");
});

test("R-243: Google: without PKCE, by Basic, and with a refresh token when offline access is asked for", async () => {
  const { token_endpoint, authorization_endpoint } = await discover();
  const plain = authorizeUrl(authorization_endpoint, { access_type: "offline", prompt: "select_account" });
  const url = new URL(plain);
  url.searchParams.delete("code_challenge");
  url.searchParams.delete("code_challenge_method");
  const back = await new Browser().signIn(url.href, { person: "grace@example.com" }, redirectUri);
  const basic = Buffer.from(`${secret.client_id}:${secret.client_secret}`).toString("base64");
  const ask = (fields: Record<string, string>) =>
    fetch(token_endpoint, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(fields),
    });
  const code = back.searchParams.get("code") ?? "";
  const first = (await (
    await ask({ grant_type: "authorization_code", code, redirect_uri: redirectUri })
  ).json()) as Tokens;
  assert.ok(first.refresh_token);
  const second = await ask({ grant_type: "refresh_token", refresh_token: first.refresh_token ?? "" });
  assert.equal(second.status, 200);
});

test("R-243: Google: each sign-in asks; a wrong verifier, a used code and a wrong secret give nothing", async () => {
  const { token_endpoint, authorization_endpoint } = await discover();
  const browser = new Browser();
  await browser.signIn(authorizeUrl(authorization_endpoint), { person: "ada@example.com" }, redirectUri);
  const again = await browser.signIn(
    authorizeUrl(authorization_endpoint),
    { person: "alan@example.com" },
    redirectUri,
  );
  const code = again.searchParams.get("code") ?? "";
  assert.equal((await exchange(token_endpoint, code, { code_verifier: "x".repeat(43) })).status, 400);
  const other = (await googleCode()).searchParams.get("code") ?? "";
  assert.equal((await exchange(token_endpoint, other, { client_secret: "wrong" })).status, 401);
  assert.equal((await exchange(token_endpoint, other)).status, 200);
  assert.equal((await exchange(token_endpoint, other)).status, 400);
});

test("R-243: Google: a second person signs in within the same browser, without a word about the first", async () => {
  const { token_endpoint, authorization_endpoint, jwks_uri } = await discover();
  const browser = new Browser();
  for (const person of ["ada@example.com", "alan@example.com", "ada@example.com"]) {
    const url = authorizeUrl(authorization_endpoint, { prompt: "select_account", access_type: "offline" });
    const back = await browser.signIn(url, { person }, redirectUri);
    assert.ok(back.href.startsWith(redirectUri), `left at ${back.href}`);
    const answer = await exchange(token_endpoint, back.searchParams.get("code") ?? "");
    const { id_token } = (await answer.json()) as Tokens;
    assert.equal((await verifiedClaims(jwks_uri, id_token))["email"], person);
  }
});

test("R-243: a redirect URI that is not registered is refused without a redirect, by both", async () => {
  const { authorization_endpoint } = await discover();
  for (const endpoint of [authorization_endpoint, `${identity.url}/login/oauth/authorize`]) {
    const evil = { redirect_uri: "http://evil.example/callback" };
    const answer = await new Browser().open(authorizeUrl(endpoint, evil), "http://evil.example");
    assert.equal(answer.status, 400);
    assert.doesNotMatch(answer.page, /<form/);
  }
  await post(identity.url, "redirect-uris", { uris: ["http://other.localhost/cb"] });
  assert.equal((await new Browser().open(authorizeUrl(authorization_endpoint), redirectUri)).status, 400);
});

test("R-243: who cancels comes back with access_denied and the state, from both", async () => {
  const { authorization_endpoint } = await discover();
  for (const endpoint of [authorization_endpoint, `${identity.url}/login/oauth/authorize`]) {
    const back = await new Browser().signIn(authorizeUrl(endpoint), { cancel: "1" }, redirectUri);
    assert.equal(back.searchParams.get("error"), "access_denied");
    assert.equal(back.searchParams.get("state"), "state-1");
  }
});

test("R-243: GitHub: code, token, user and e-mail addresses", async () => {
  await post(identity.url, "people", {
    email: "joan@example.com",
    name: "Joan Clarke",
    emailVerified: false,
  });
  const url = authorizeUrl(`${identity.url}/login/oauth/authorize`, { scope: "read:user user:email" });
  const back = await new Browser().signIn(url, { person: "joan@example.com" }, redirectUri);
  assert.equal(back.searchParams.get("state"), "state-1");
  const code = back.searchParams.get("code") ?? "";
  const endpoint = `${identity.url}/login/oauth/access_token`;
  const token = (await (await exchange(endpoint, code)).json()) as Tokens & { scope: string };
  assert.equal(token.scope, "read:user,user:email");
  const bearer = { headers: { authorization: `Bearer ${token.access_token}` } };
  const user = (await (await fetch(`${identity.url}/user`, bearer)).json()) as {
    login: string;
    name: string;
  };
  assert.deepEqual([user.login, user.name], ["joan", "Joan Clarke"]);
  const emails = (await (await fetch(`${identity.url}/user/emails`, bearer)).json()) as {
    verified: boolean;
  }[];
  assert.deepEqual(
    emails.map(({ verified }) => verified),
    [false],
  );
  const used = await exchange(endpoint, code);
  assert.equal(used.status, 200);
  assert.equal(((await used.json()) as { error: string }).error, "bad_verification_code");
  assert.equal(
    (await fetch(`${identity.url}/user`, { headers: { authorization: "Bearer no" } })).status,
    401,
  );
});
