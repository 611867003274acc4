import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createApp } from "../src/api/app.ts";
import { Sessions } from "../src/api/sessions.ts";
import { openDatabase } from "../src/database/pool.ts";
import { GuildConfigs } from "../src/guild-config.ts";
import { EntryStore } from "../src/mileage/entry-store.ts";
import { Recorder } from "../src/mileage/recorder.ts";
import { Spool } from "../src/mileage/spool.ts";
import { RoleBoard } from "../src/role-board.ts";
import { readSettings, roleNames } from "../src/settings.ts";
import { Line, migratedDatabase, temporaryFolder } from "./support.ts";

const origin = "http://mileage.test";

async function startApi(t: TestContext) {
  const { url, database } = await migratedDatabase(t);
  const line = await Line.open(t, url);
  const cut = openDatabase(line.url);
  t.after(() => cut.end());
  const outcome = readSettings({
    DATABASE_URL: url,
    DISCORD_TOKEN: "x",
    DISCORD_CLIENT_ID: "1",
    DISCORD_CLIENT_SECRET: "s",
    PUBLIC_URL: origin,
  });
  assert.ok(outcome.ok);
  const { settings } = outcome;
  const board = new RoleBoard(roleNames, roleNames);
  const [configs, entries] = [new GuildConfigs(cut), new EntryStore(cut)];
  const recorder = new Recorder(entries, new Spool(temporaryFolder(t)));
  await recorder.start();
  t.after(() => recorder.stop());
  await configs.meet("100", "Harbour");
  const server = createApp({ settings, database: cut, board, configs, entries, recorder }).listen(
    0,
    "127.0.0.1",
  );
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  const sessions = new Sessions(database, 60);
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signIn = async (guildIds: string[]) =>
    `mileage-session=${await sessions.open({ userId: "7", userName: "ada", guildIds })}`;
  const ask = async (method: string, path: string, cookie?: string, body?: unknown, headers = {}) => {
    const response = await fetch(base + path, {
      method,
      redirect: "manual",
      headers: {
        ...(cookie === undefined ? {} : { cookie }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        origin,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, json: () => JSON.parse(text), headers: response.headers };
  };
  return { ask, signIn, line, database, recorder };
}

const entry = { driverId: "7", driverName: "ada", distanceM: 1000, drivenOn: "2026-11-20" };

test("anonymous 401, without a server to administer 403, with one 200, never another's server (R-246)", async (t) => {
  const { ask, signIn } = await startApi(t);
  assert.equal((await ask("GET", "/api/guilds")).status, 401);
  assert.equal((await ask("GET", "/api/guilds", "mileage-session=invented")).status, 401);
  assert.equal((await ask("GET", "/api/guilds", await signIn([]))).status, 403);
  const cookie = await signIn(["100"]);
  assert.equal((await ask("GET", "/api/guilds", cookie)).status, 200);
  assert.equal((await ask("GET", "/api/guilds/999/config", cookie)).status, 403);
});

test("a change from another site is refused (R-246)", async (t) => {
  const { ask, signIn } = await startApi(t);
  const cookie = await signIn(["100"]);
  const key = { "idempotency-key": "csrf-0001" };
  for (const other of ["https://evil.test", "null", ""]) {
    const headers = { ...key, origin: other };
    assert.equal((await ask("POST", "/api/guilds/100/entries", cookie, entry, headers)).status, 403);
    assert.equal((await ask("POST", "/auth/logout", cookie, undefined, headers)).status, 403);
  }
  assert.equal((await ask("GET", "/api/me", cookie)).status, 200);
});

test("lists, edits and exports entries and settings; refuses what is wrong with its reason (R-300)", async (t) => {
  const { ask, signIn } = await startApi(t);
  const cookie = await signIn(["100"]);
  const post = (key: string, body: object) =>
    ask("POST", "/api/guilds/100/entries", cookie, body, { "idempotency-key": key });
  const first = await post("first-0001", { ...entry, note: "=1+1" });
  assert.equal(first.status, 201);
  assert.equal((await post("first-0001", { ...entry, note: "=1+1" })).status, 200);
  assert.equal((await post("first-0001", entry)).status, 409);
  assert.equal((await post("short", entry)).status, 422);
  assert.equal((await post("wrong-0001", { ...entry, distanceM: -1 })).status, 422);
  assert.equal((await post("wrong-0002", { ...entry, drivenOn: "2026-02-30" })).status, 422);
  const { id } = first.json().entry;
  const changed = await ask("PATCH", `/api/guilds/100/entries/${id}`, cookie, { distanceM: 2000 });
  assert.equal(changed.json().distanceM, 2000);
  assert.equal((await ask("PATCH", "/api/guilds/100/entries/4711", cookie, { note: "x" })).status, 404);
  const list = (await ask("GET", "/api/guilds/100/entries?limit=1", cookie)).json();
  assert.equal(list.entries[0].editedBy, "ada");
  assert.deepEqual((await ask("GET", `/api/guilds/100/entries?before=${list.before}`, cookie)).json(), {
    entries: [],
  });
  const csv = await ask("GET", "/api/guilds/100/entries.csv", cookie);
  assert.match(csv.text, /^id,driver_id.*\r\n\d+,7,ada,2026-11-20,2000,'=1\+1,api,/);
  const { guildId, name, version, updatedBy, ...settings } = (
    await ask("GET", "/api/guilds/100/config", cookie)
  ).json();
  assert.deepEqual([guildId, name, version, updatedBy], ["100", "Harbour", 1, "bot"]);
  const saved = await ask("PUT", "/api/guilds/100/config", cookie, {
    version,
    settings: { ...settings, unit: "mi" },
  });
  assert.equal(saved.json().unit, "mi");
  const late = await ask("PUT", "/api/guilds/100/config", cookie, { version, settings });
  assert.equal(late.status, 409);
});

test("while the database is away writes are queued for who was signed in; health stays, readiness goes (R-166, R-297)", async (t) => {
  const { ask, signIn, line, recorder } = await startApi(t);
  const cookie = await signIn(["100"]);
  const post = (key: string) =>
    ask("POST", "/api/guilds/100/entries", cookie, entry, { "idempotency-key": key });
  assert.equal((await post("before-001")).status, 201);
  line.set("down");
  assert.equal((await post("during-001")).status, 202);
  assert.equal((await ask("GET", "/api/guilds/100/entries", cookie)).status, 503);
  assert.equal((await ask("GET", "/api/me", await signIn(["100"]))).status, 503);
  assert.equal((await ask("GET", "/health")).status, 200);
  const ready = await ask("GET", "/ready");
  assert.equal(ready.status, 503);
  assert.equal(ready.json().queue.waiting, 1);
  line.set("up");
  const end = Date.now() + 15_000;
  while (recorder.view().waiting > 0 && Date.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const list = (await ask("GET", "/api/guilds/100/entries", cookie)).json();
  assert.equal(list.entries.length, 2);
});

test("a deleted session is over at once, and signing in begins at Discord with state and PKCE (R-287)", async (t) => {
  const { ask, signIn, database } = await startApi(t);
  const cookie = await signIn(["100"]);
  assert.equal((await ask("GET", "/api/me", cookie)).status, 200);
  await database.query("delete from sessions");
  assert.equal((await ask("GET", "/api/me", cookie)).status, 401);
  const login = await ask("GET", "/auth/login?returnTo=/guilds/100");
  const location = new URL(login.headers.get("location") ?? "");
  assert.equal(login.status, 302);
  assert.equal(location.searchParams.get("code_challenge_method"), "S256");
  const setCookie = login.headers.get("set-cookie") ?? "";
  assert.match(setCookie, /HttpOnly/);
  assert.match(setCookie, /SameSite=Lax/);
  assert.equal((await ask("GET", "/auth/callback?code=x&state=other", setCookie.split(";")[0])).status, 400);
});
