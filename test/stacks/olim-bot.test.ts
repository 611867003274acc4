import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDockerfile } from "../../src/stack/dockerfile.ts";
import { freePort, Platform } from "../e2e/platform.ts";
import { whenAvailable } from "../e2e/when-available.ts";
import {
  databaseOnOtherNetwork,
  encodedPassword,
  externalDatabase,
  externalHost,
} from "./olim-bot-databases.ts";
import { Discord, expectBotToWork, files, folder, runOwnTests, until } from "./olim-bot-support.ts";

const heartbeatMs = 3_000;

type World = { platform: Platform; discord: Discord; env: Record<string, string> };

async function start(runtime: "docker" | "process", edge: "haproxy" | "embedded"): Promise<World> {
  const platform = await Platform.start({ runtime, edge });
  const port = await freePort();
  const env = {
    DISCORD_STAND_IN_PORT: String(port),
    GATEWAY_HEARTBEAT_MS: String(heartbeatMs),
    RUST_LOG: "trace",
  };
  return { platform, discord: new Discord(port), env };
}

/** Five versions one after the other, then back: never two sessions, and an answer from the right version each time. */
function deploysOneSessionAtATime(world: () => World, versions: readonly string[]): void {
  it("never runs two sessions over all deploys, answers after each, and goes back (R-004, R-317)", async () => {
    const { platform, discord, env } = world();
    for (const version of versions) {
      await platform.ok(["deploy", ...files()], { ...env, OLIM_VERSION: version });
      expect(await discord.ask("!ping")).toBe(`pong (version ${version})`);
    }
    await platform.ok(["rollback", "--stack", "olim-bot"]);
    expect(await discord.ask("!ping")).toBe(`pong (version ${versions.at(-2)})`);
    const sessions = await discord.sessions();
    expect(sessions.length).toBe(versions.length + 1);
    expect(sessions.filter(({ overlap }) => overlap)).toEqual([]);
    expect(sessions.filter(({ live }) => live).length).toBe(1);
    // The old session said goodbye before the new one said hello.
    for (const [index, { identifiedAt }] of sessions.entries())
      if (index > 0) expect(identifiedAt >= (sessions[index - 1]?.closedAt ?? "9")).toBe(true);
    const away = sessions.slice(1).map(({ identifiedAt }, index) => {
      return Date.parse(identifiedAt) - Date.parse(sessions[index]?.closedAt ?? "");
    });
    process.stdout.write(`olim-bot on ${platform.options.runtime}: away ${away.join(", ")} ms per switch\n`);
    expect(Math.max(...away)).toBeLessThan(60_000);
  });
}

describe("the reference image of the Rust original", () => {
  it("is read: two stages, one program, no port (R-321, R-054)", () => {
    const text = readFileSync(join(folder, "reference/rust.Dockerfile"), "utf8");
    const cmd = text.split("\n").findIndex((line) => line.startsWith("CMD")) + 1;
    expect(readDockerfile(text)).toEqual({
      exposedPorts: [],
      programs: [{ instruction: "CMD", argv: ["/app/bot"], line: cmd }],
    });
    expect(readDockerfile(text, "builder").programs).toEqual([]);
  });
});

whenAvailable({ runtime: "docker", edge: "haproxy" }, () => {
  describe("olim-bot on docker + haproxy", () => {
    let world: World;
    beforeAll(async () => {
      world = await start("docker", "haproxy");
    });
    afterAll(async () => {
      await world?.platform.stop();
    });

    deploysOneSessionAtATime(() => world, ["1", "2", "3", "4", "5"]);

    const inBot = async (...argv: string[]) =>
      (await world.platform.cli(["exec", "--stack", "olim-bot", "bot", "--", ...argv])).stdout.trim();
    const database = {
      query: async (sql: string) => {
        const psql = ["psql", "-U", "bot", "-d", "discord_bot", "-At", "-c", sql];
        return (await world.platform.ok(["exec", "--stack", "olim-bot", "db", "--", ...psql])).stdout.trim();
      },
      restart: async () => {
        await world.platform.ok(["restart", "db", "--stack", "olim-bot"]);
      },
    };

    it("does its work on the database's network, a restart of the database included (R-122, R-316, R-317, R-319, R-320)", async () => {
      await expectBotToWork(world.discord, database);
    });

    it("notes a message by three kinds of queries (R-317)", async () => {
      const before = (await world.platform.ok(["logs", "bot", "--stack", "olim-bot"])).stdout.length;
      await world.discord.ask("!config");
      const log = (await world.platform.ok(["logs", "bot", "--stack", "olim-bot"])).stdout.slice(before);
      for (const query of ["guildConfig", "storeMessageInfo", "countUserMessage"])
        expect(log).toContain(`"query":"${query}"`);
    });

    it("resumes its session after a lost connection without losing a message (R-301)", async () => {
      const { discord } = world;
      const before = await discord.sessions();
      const answers = (await discord.texts()).length;
      await discord.post("close", { code: 4000 });
      await discord.say("!ping");
      expect(await discord.answer(answers, 15_000)).toMatch(/^pong/);
      const after = await discord.sessions();
      expect(after.length).toBe(before.length);
      expect(after.at(-1)?.resumes).toBe((before.at(-1)?.resumes ?? 0) + 1);
    });

    it("waits as long as a 429 says, then answers (R-301)", async () => {
      const { discord } = world;
      await discord.post("faults", { rateLimit: { times: 1, retryAfter: 2 } });
      const began = Date.now();
      expect(await discord.ask("!ping", 10_000)).toMatch(/^pong/);
      expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
    });

    it("runs as user 1000 from a read-only root, without capabilities, ports or more than 256 MB (R-218, R-221, R-227)", async () => {
      expect(await inBot("id", "-u")).toBe("1000");
      expect(await inBot("sh", "-c", "touch /x || echo refused")).toBe("refused");
      const status = await inBot("cat", "/proc/1/status");
      expect(status).toMatch(/CapEff:\s+0+\s/);
      expect(status).toMatch(/NoNewPrivs:\s+1/);
      const usage = await world.platform.json<{
        replicas: { service: string; memoryBytes: number; memoryLimitBytes?: number }[];
      }>(["stats", "--no-stream", "--stack", "olim-bot"]);
      const bot = usage.replicas.find(({ service }) => service === "bot");
      expect(bot?.memoryLimitBytes).toBe(256 * 1024 * 1024);
      expect(bot?.memoryBytes).toBeLessThan(128 * 1024 * 1024);
      expect(await inBot("sh", "-c", "ls /app/dist; command -v cargo rustc tsc")).toBe(
        "bot-olim-p-code.mjs\nhealth.mjs\nmigrate.mjs",
      );
    });

    it("is unhealthy within two heartbeat periods when the gateway stops answering, though it lives (R-165, R-003)", async () => {
      const { discord, platform } = world;
      const healthy = async () => (await inBot("sh", "-c", "node dist/health.mjs && echo fine")) === "fine";
      expect((await discord.sessions()).some(({ heartbeats }) => heartbeats > 0)).toBe(true);
      expect(await healthy()).toBe(true);
      await discord.post("faults", { ackHeartbeats: false });
      // One period until the next heartbeat, two of patience, and the time of a look.
      await until(async () => !(await healthy()), "unhealthy bot", 3 * heartbeatMs + 3_000);
      const ps = await platform.json<{ replicas: { service: string; state: string }[] }>(["ps"]);
      expect(ps.replicas.find(({ service }) => service === "bot")?.state).toBe("running");
      await discord.post("faults", { ackHeartbeats: true });
      await until(healthy, "healthy bot", 30_000);
      expect(await discord.ask("!ping", 10_000)).toMatch(/^pong/);
    });
  });

  describe("olim-bot with a database elsewhere", () => {
    let world: World;
    const name = `olim-test-${process.pid}`;
    beforeAll(async () => {
      world = await start("docker", "embedded");
    });
    afterAll(async () => {
      await world?.platform.stop();
    });
    const deploy = (environment: string, overlays: string[], env: Record<string, string>) => {
      const patience = { DATABASE_WAIT_SECONDS: "3", OLIM_DB_PASSWORD: encodedPassword };
      const argv = ["deploy", "--env", environment, ...files(...overlays)];
      return world.platform.cli(argv, { ...world.env, ...patience, ...env });
    };
    /** Declared after the database, so that it is gone before the database's network goes. */
    const removedAtEnd = (environment: string) => ({
      [Symbol.asyncDispose]: async () => {
        const argv = ["down", "--stack", "olim-bot", "--env", environment, "--volumes", "--yes"];
        const { exitCode, stderr } = await world.platform.cli(argv);
        if (exitCode !== 0) process.stdout.write(stderr);
      },
    });

    it("reaches it on another network once it has joined, by name, whatever its address (R-123, R-320)", async () => {
      await using database = await databaseOnOtherNetwork(name);
      await using _stack = removedAtEnd("network");
      const env = { DATABASE_HOST: name, DATABASE_NETWORK: "bridge" };
      const unjoined = join(mkdtempSync(join(tmpdir(), "olim-unjoined-")), "unjoined.yaml");
      writeFileSync(unjoined, "services: { bot: { networks: !override [default] } }\n");
      const apart = await deploy("network", ["compose.other-network.yaml", unjoined], env);
      expect(apart.exitCode).toBe(1);
      expect(apart.stdout + apart.stderr).toContain(`the name ${name} is not known here`);
      const joined = await deploy("network", ["compose.other-network.yaml"], {
        ...env,
        DATABASE_NETWORK: database.network,
      });
      expect(joined.exitCode, joined.stderr).toBe(0);
      const before = await database.address();
      await expectBotToWork(world.discord, database);
      expect(await database.address()).not.toBe(before);
    });

    it("reaches it on another server with verified TLS, and by nothing less (R-124, R-320)", async () => {
      await using database = await externalDatabase(`${name}-external`);
      await using _stack = removedAtEnd("external");
      const overlay = join(mkdtempSync(join(tmpdir(), "olim-external-")), "hosts.yaml");
      writeFileSync(overlay, `services: { bot: { extra_hosts: ["${externalHost}:host-gateway"] } }\n`);
      const overlays = ["compose.external.yaml", overlay];
      const env = {
        DATABASE_HOST: externalHost,
        DATABASE_PORT: String(database.port),
        DATABASE_CA: database.ca,
      };
      // The other ways to fail are told apart by the stack's own tests.
      const refused: [string, Record<string, string>][] = [
        ["needs sslmode=verify-full in production", { DATABASE_SSLMODE: "disable" }],
        ["its TLS is not trusted", { DATABASE_CA: "" }],
      ];
      for (const [reason, wrong] of refused) {
        const outcome = await deploy("external", overlays, { ...env, ...wrong });
        expect(outcome.exitCode).toBe(1);
        expect(outcome.stdout + outcome.stderr).toContain(reason);
      }
      const outcome = await deploy("external", overlays, env);
      expect(outcome.exitCode, outcome.stderr).toBe(0);
      const tls =
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL";
      expect(await database.query(tls)).toBe("t");
      await expectBotToWork(world.discord, database);
    });
  });
});

describe("olim-bot on process + embedded", () => {
  let world: World;
  beforeAll(async () => {
    world = await start("process", "embedded");
  });
  afterAll(async () => {
    await world?.platform.stop();
  });

  deploysOneSessionAtATime(() => world, ["1", "2"]);

  it("passes its own tests against the PostgreSQL of this deployment (R-055, R-316, R-318, R-319)", async () => {
    const { replicas } = await world.platform.json<{ replicas: { service: string; address?: string }[] }>([
      "ps",
    ]);
    const address = replicas.find(({ service }) => service === "db")?.address;
    const report = await runOwnTests(`postgresql://bot:demo@${address}/discord_bot`);
    expect(report).toMatch(/^. pass [1-9]\d*$/m);
    expect(report).toMatch(/^. skipped 0$/m);
  });

  it("handles each guild in exactly one of three shards (R-233)", async () => {
    const { platform, discord, env } = world;
    const shards = { DISCORD_API_URL: "http://discord:8080/api", DISCORD_TOKEN: "stand-in-token" };
    await platform.ok(["deploy", ...files("compose.shards.yaml")], {
      ...env,
      ...shards,
      OLIM_VERSION: "shards",
    });
    const live = (await discord.sessions()).filter((session) => session.live);
    expect(live.map(({ shard }) => shard).toSorted((a, b) => a[0] - b[0])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    const before = (await discord.texts()).length;
    await discord.ask("!ping");
    // A second command's answer comes after any second answer to the first one would have.
    expect(await discord.ask("!config")).toContain("welcome: ");
    expect((await discord.texts()).length).toBe(before + 2);
  });
});
