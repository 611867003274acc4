import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";
import { GatewayDispatchEvents } from "discord.js";
import { discordApi } from "../src/api/discord-address.ts";
import { ConfigError, readConfig } from "../src/config.ts";
import type { Database } from "../src/database/pool.ts";
import { EventHandler } from "../src/event-handler.ts";
import { createClient } from "../src/gateway.ts";
import { beat, judge } from "../src/heartbeat.ts";
import { createLog, readLevel } from "../src/log.ts";
import { recordingOutbox } from "./database-support.ts";

const env = { DISCORD_TOKEN: "secret-token", DATABASE_URL: "postgresql://bot:x@db/discord_bot" };

describe("configuration", () => {
  it("goes to the public Discord unless told otherwise (R-003)", () => {
    assert.equal(readConfig(env).discordApi, "https://discord.com/api");
    assert.equal(discordApi("http://discord:8080/api/"), "http://discord:8080/api");
    const { rest } = createClient(readConfig(env));
    assert.equal(rest.options.api, "https://discord.com/api");
    assert.throws(() => discordApi("discord:8080"), /DISCORD_API_URL/);
  });

  it("names every variable that is missing or wrong, and no value (R-103)", () => {
    assert.throws(
      () =>
        readConfig({ DATABASE_URL: "secret-token", SHARD_ID: "4", SHARD_COUNT: "3", DAILY_AT_UTC: "25:00" }),
      (error: Error) =>
        error instanceof ConfigError &&
        ["DISCORD_TOKEN", "DATABASE_URL", "SHARD_ID", "DAILY_AT_UTC"].every((name) =>
          error.message.includes(name),
        ) &&
        !error.message.includes("secret-token"),
    );
  });

  it("takes its shard from the environment (R-233)", () => {
    const config = readConfig({ ...env, SHARD_ID: "1", SHARD_COUNT: "3" });
    const { options } = createClient(config);
    assert.deepEqual([options.shards, options.shardCount], [[1], 3]);
    assert.equal(readConfig({ ...env, SHARD_ID: "", SHARD_COUNT: "" }).shard, undefined);
    assert.throws(() => readConfig({ ...env, SHARD_ID: "1" }), /SHARD_COUNT/);
  });

  it("logs what RUST_LOG asks for (R-239)", () => {
    const lines: string[] = [];
    const log = createLog(readLevel("warn"), (line) => lines.push(line));
    log("info", "not this");
    log("warn", "this");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).message),
      ["this"],
    );
    assert.equal(readLevel("bot=debug,info"), "info");
    assert.equal(readLevel(undefined), "info");
  });
});

describe("a .env file", () => {
  const main = join(import.meta.dirname, "../src/main.ts");
  const complaint = (dotenv: string | undefined, env: Record<string, string>) => {
    const folder = mkdtempSync(join(tmpdir(), "olim-env-"));
    if (dotenv !== undefined) writeFileSync(join(folder, ".env"), dotenv);
    const { stdout, status } = spawnSync(process.execPath, [main], { cwd: folder, env, timeout: 20_000 });
    rmSync(folder, { recursive: true });
    assert.equal(status, 1);
    return JSON.parse(String(stdout)).message as string;
  };

  it("is optional, and gives way to what is injected (R-103)", () => {
    assert.match(complaint(undefined, {}), /DISCORD_TOKEN is not set; DATABASE_URL is not set/);
    assert.match(complaint("DISCORD_TOKEN=x\n", {}), /start: DATABASE_URL is not set$/);
    const wrong = "DISCORD_TOKEN=x\nDATABASE_POOL_MAX=0\nDATABASE_URL=postgresql://b:c@d/e\n";
    assert.match(complaint(wrong, {}), /DATABASE_POOL_MAX/);
    assert.match(complaint(wrong, { DATABASE_POOL_MAX: "5", SHARD_ID: "9" }), /start: SHARD_ID/);
  });
});

describe("guild events", () => {
  it("end with the newest name, though the first takes longer to save or fails (R-316)", async () => {
    for (const first of ["slow", "failing"]) {
      const saved: unknown[] = [];
      const { promise: firstMayEnd, resolve: endFirst } = Promise.withResolvers<void>();
      const database: Database = {
        run: async (_name, ...parameters) => {
          if (parameters[1] === "Old") await firstMayEnd;
          if (parameters[1] === "Old" && first === "failing") throw new Error("connection lost");
          saved.push(parameters[1]);
          return [];
        },
        ping: async () => undefined,
        close: async () => undefined,
      };
      const client = createClient(readConfig(env));
      const handler = new EventHandler({
        database,
        outbox: recordingOutbox(),
        log: () => undefined,
        version: "1",
      });
      handler.listen(client);
      for (const name of ["Old", "Between", "New"])
        client.ws.emit(GatewayDispatchEvents.GuildCreate, { id: "100", name });
      endFirst();
      await handler.drain(5_000);
      assert.deepEqual(saved, first === "slow" ? ["Old", "New"] : ["New"]);
    }
  });
});

describe("the heartbeat", () => {
  const interval = 1_000;
  const source = (acknowledged: number, ping: () => Promise<void>) => ({
    acknowledgedAt: () => acknowledged,
    intervalMs: () => interval,
    pingDatabase: ping,
  });

  it("is good while the gateway acknowledges and the database answers, and bad two periods later (R-165)", async () => {
    const folder = mkdtempSync(join(tmpdir(), "olim-beat-"));
    const file = join(folder, "beat.json");
    const problem = (now: number) => judge(readFileSync(file, "utf8"), now);
    const log = () => undefined;
    try {
      assert.equal(judge(undefined, 0), "no heartbeat yet");
      await beat(
        file,
        source(10_000, async () => undefined),
        { now: 10_500, log },
      );
      assert.equal(problem(11_900), undefined);
      // The process lives and the database answers, but the gateway does not.
      await beat(
        file,
        source(10_000, async () => undefined),
        { now: 12_100, log },
      );
      assert.match(problem(12_100) ?? "", /2 s ago/);
      // The gateway answers again, but the database does not.
      await beat(
        file,
        source(12_200, () => Promise.reject(new Error("down"))),
        { now: 12_300, log },
      );
      assert.match(problem(12_300) ?? "", /ago/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the modules", () => {
  const src = join(import.meta.dirname, "../src");
  const importsOf = (folder: string) =>
    globSync(`${folder}/*.ts`, { cwd: src }).flatMap((file) => {
      const text = readFileSync(join(src, file), "utf8");
      return [...text.matchAll(/from "([^"]+)"/g)].map(([, target = ""]) =>
        target.startsWith(".") ? basename(dirname(join(src, dirname(file), target))) : target,
      );
    });

  it("keep to the interaction matrix: the API module none, the pool only PostgreSQL, nobody the files (R-277)", () => {
    assert.deepEqual(importsOf("api"), []);
    assert.ok(!importsOf("database").some((name) => /discord|^(api|events|commands|tasks)$/.test(name)));
    for (const folder of ["commands", "events", "tasks", "models"])
      assert.deepEqual(
        importsOf(folder).filter((name) => name.startsWith("node:") || name === "pg"),
        [],
      );
  });

  it("keep the original's names (R-317)", () => {
    for (const folder of ["events", "commands", "tasks", "database", "models", "api"])
      assert.ok(globSync(`${folder}/*.ts`, { cwd: src }).length > 0, folder);
  });
});
