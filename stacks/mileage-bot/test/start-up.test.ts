import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually, freshDatabase, migratedDatabase, temporaryFolder } from "./support.ts";

const root = join(import.meta.dirname, "..");
const discordProgram = join(root, "..", "stand-ins", "src", "discord", "main.ts");

type Ended = { code: number | null; lines: string[]; seconds: number };

function start(t: TestContext, program: string, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [program], {
    cwd: join(program, "..", ".."),
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function run(t: TestContext, program: string, env: Record<string, string>): Promise<Ended> {
  const began = performance.now();
  const child = start(t, join(root, "src", program), env);
  let text = "";
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const lines = text.split("\n").filter((line) => line !== "");
  return { code, lines, seconds: (performance.now() - began) / 1000 };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

async function startDiscord(t: TestContext): Promise<string> {
  const port = await freePort();
  start(t, discordProgram, { PORT: String(port), HOST: "127.0.0.1", DISCORD_TOKEN: "right" });
  const base = `http://127.0.0.1:${port}`;
  await eventually("the Discord stand-in answers", () =>
    fetch(`${base}/health`).then(
      (r) => r.ok,
      () => false,
    ),
  );
  return base;
}

test("each fault alone ends the program within 10 s with one line of its own (R-298)", async (t) => {
  const discord = await startDiscord(t);
  const { url } = await migratedDatabase(t);
  const empty = await freshDatabase(t);
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const silentPort = (silent.address() as { port: number }).port;
  const at = (change: (url: URL) => void) => {
    const changed = new URL(url);
    change(changed);
    return changed.href;
  };
  const good = {
    DATABASE_URL: url,
    DISCORD_TOKEN: "right",
    DISCORD_API: `${discord}/api`,
    DISCORD_CLIENT_ID: "1",
    DISCORD_CLIENT_SECRET: "s",
    PUBLIC_URL: "http://mileage.test",
    HOST: "127.0.0.1",
    PORT: String(await freePort()),
    SPOOL_DIR: temporaryFolder(t),
  };
  const free = await freePort();
  const faults: [string, Record<string, string>, RegExp][] = [
    ["missing variable", { PUBLIC_URL: "" }, /PUBLIC_URL is not|PUBLIC_URL/],
    ["unknown host", { DATABASE_URL: at((u) => (u.hostname = "db.invalid")) }, /does not resolve/],
    ["nothing listens", { DATABASE_URL: at((u) => (u.port = String(free))) }, /nothing listens/],
    ["no answer", { DATABASE_URL: at((u) => (u.port = String(silentPort))) }, /no answer from PostgreSQL/],
    ["unknown database", { DATABASE_URL: at((u) => (u.pathname = "/nowhere")) }, /does not exist/],
    ["wrong password", { DATABASE_URL: at((u) => (u.password = "wrong")) }, /user or password/],
    ["old schema", { DATABASE_URL: empty }, /schema: .* version 0, .*npm run migrate/],
    ["wrong token", { DISCORD_TOKEN: "wrong" }, /DISCORD_TOKEN is refused/],
    ["Discord away", { DISCORD_API: `http://127.0.0.1:${free}/api` }, /no answer from http/],
    ["Discord silent", { DISCORD_API: `http://127.0.0.1:${silentPort}/api` }, /no answer from http/],
  ];
  for (const [name, change, expected] of faults)
    await t.test(name, async (t2) => {
      const ended = await run(t2, "main.ts", { ...good, ...change });
      assert.notEqual(ended.code, 0);
      assert.ok(ended.seconds < 10, `${ended.seconds} s`);
      assert.equal(ended.lines.length, 1, ended.lines.join("\n"));
      assert.match(ended.lines[0] ?? "", expected);
      assert.doesNotMatch(ended.lines[0] ?? "", /postgres:\/\//);
    });
});

test("each role runs alone; the health answer says so (R-001)", async (t) => {
  const discord = await startDiscord(t);
  const { url } = await migratedDatabase(t);
  for (const role of ["gateway", "admin-api", "dailies"]) {
    const port = await freePort();
    const child = start(t, join(root, "src", "main.ts"), {
      DATABASE_URL: url,
      DISCORD_TOKEN: "right",
      DISCORD_API: `${discord}/api`,
      DISCORD_CLIENT_ID: "1",
      DISCORD_CLIENT_SECRET: "s",
      PUBLIC_URL: "http://mileage.test",
      HOST: "127.0.0.1",
      PORT: String(port),
      SPOOL_DIR: temporaryFolder(t),
      ROLES: role,
    });
    const base = `http://127.0.0.1:${port}`;
    await eventually(`${role} is up`, () =>
      fetch(`${base}/ready`).then(
        (r) => r.ok,
        () => false,
      ),
    );
    const { roles } = (await (await fetch(`${base}/health`)).json()) as {
      roles: Record<string, { state: string }>;
    };
    const up = Object.entries(roles)
      .filter(([, { state }]) => state !== "off")
      .map(([name]) => name);
    assert.deepEqual(up, [role]);
    assert.equal((await fetch(`${base}/api/me`)).status, role === "admin-api" ? 401 : 404);
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
  }
});

test("commands are registered once; a second run changes nothing (R-260)", async (t) => {
  const discord = await startDiscord(t);
  const { url } = await migratedDatabase(t);
  const env = {
    DATABASE_URL: url,
    DISCORD_TOKEN: "right",
    DISCORD_API: `${discord}/api`,
    DISCORD_CLIENT_ID: "1",
    DISCORD_CLIENT_SECRET: "s",
    PUBLIC_URL: "http://mileage.test",
  };
  for (let round = 0; round < 2; round += 1)
    assert.equal((await run(t, "register-commands.ts", env)).code, 0);
  const known = (await (await fetch(`${discord}/_stand-in/commands`)).json()) as {
    writes: number;
    global: { name: string }[];
  };
  assert.deepEqual([known.writes, known.global.map(({ name }) => name)], [1, ["log-mileage", "my-mileage"]]);
});
