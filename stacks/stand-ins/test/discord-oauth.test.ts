import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDiscord } from "../src/discord/discord.ts";
import { Browser } from "./browser.ts";
import { post } from "./control.ts";

const redirectUri = "http://mileage.localhost/callback";
const client = { client_id: "900000000000000001", client_secret: "stand-in-secret" };
const ada = "200000000000000001";
const grace = "200000000000000002";

let discord: Awaited<ReturnType<typeof startDiscord>>;

before(async () => {
  discord = await startDiscord({ PORT: "0", HOST: "127.0.0.1", REDIRECT_URIS: redirectUri });
});
after(() => discord.close());

async function codeFor(person: string, scope = "identify email guilds guilds.members.read"): Promise<string> {
  const query = {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope,
    state: "s",
  };
  const url = `${discord.url}/oauth2/authorize?${new URLSearchParams(query)}`;
  const back = await new Browser().signIn(url, { person }, redirectUri);
  assert.equal(back.searchParams.get("state"), "s");
  return back.searchParams.get("code") ?? "";
}

function token(fields: Record<string, string>): Promise<Response> {
  const body = new URLSearchParams({ ...client, redirect_uri: redirectUri, ...fields });
  return fetch(`${discord.url}/api/oauth2/token`, { method: "POST", body });
}

type Tokens = { access_token: string; refresh_token: string };

async function read<T>(path: string, accessToken: string): Promise<{ status: number; body: T }> {
  const response = await fetch(`${discord.url}/api/${path}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return { status: response.status, body: (await response.json()) as T };
}

test("R-246: a person signs in; profile, guilds and roles can be read", async () => {
  const code = await codeFor(ada);
  const tokens = (await (await token({ grant_type: "authorization_code", code })).json()) as Tokens;
  const me = await read<{ id: string; email: string }>("users/@me", tokens.access_token);
  assert.deepEqual([me.body.id, me.body.email], [ada, "ada@example.com"]);
  const guilds = await read<{ id: string; owner: boolean; permissions: string }[]>(
    "users/@me/guilds",
    tokens.access_token,
  );
  assert.equal(guilds.body[0]?.owner, true);
  assert.equal(BigInt(guilds.body[0]?.permissions ?? "0") & 8n, 8n);
  const path = "v10/users/@me/guilds/100000000000000001/member";
  assert.deepEqual((await read<{ roles: string[] }>(path, tokens.access_token)).body.roles, [
    "300000000000000001",
  ]);
  assert.equal((await token({ grant_type: "authorization_code", code })).status, 400);
  const fresh = await token({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  assert.equal(fresh.status, 200);
});

test("R-246: a member without the role has none, and gets it from the control API", async () => {
  const tokens = (await (
    await token({ grant_type: "authorization_code", code: await codeFor(grace) })
  ).json()) as Tokens;
  const path = "users/@me/guilds/100000000000000001/member";
  assert.deepEqual((await read<{ roles: string[] }>(path, tokens.access_token)).body.roles, []);
  const user = { id: grace, username: "grace" };
  await post(discord.url, "members", { guildId: "100000000000000001", user, roles: ["300000000000000001"] });
  assert.deepEqual((await read<{ roles: string[] }>(path, tokens.access_token)).body.roles, [
    "300000000000000001",
  ]);
});

test("R-246: scopes, secrets and redirect URIs are checked", async () => {
  const code = await codeFor(ada, "identify");
  assert.equal((await token({ grant_type: "authorization_code", code: "no" })).status, 400);
  assert.equal((await token({ grant_type: "authorization_code", code, client_secret: "wrong" })).status, 401);
  const tokens = (await (await token({ grant_type: "authorization_code", code })).json()) as Tokens;
  assert.equal((await read<{ email?: string }>("users/@me", tokens.access_token)).body.email, undefined);
  assert.equal((await read("users/@me/guilds", tokens.access_token)).status, 403);
  assert.equal((await read("users/@me", "no")).status, 401);
  const query = { client_id: client.client_id, redirect_uri: "http://evil.example/", response_type: "code" };
  assert.equal((await fetch(`${discord.url}/oauth2/authorize?${new URLSearchParams(query)}`)).status, 400);
});
