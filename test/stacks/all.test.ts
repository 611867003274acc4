import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Runtime, stackNames } from "../../stacks/all/reference-stacks.ts";
import { renderTable } from "../../stacks/all/render-table.ts";
import type { Row } from "../../stacks/all/survey.ts";
import { freePort, root } from "../e2e/platform.ts";
import { whenAvailable } from "../e2e/when-available.ts";
import { Discord } from "./olim-bot-support.ts";

/** What each stack must answer through the edge: host, path, and a text of its own. */
const answers: [stack: string, host: string, path: string, text: RegExp][] = [
  ["mileage-bot", "mileage-bot.localhost", "/", /<title>Mileage<\/title>/],
  ["mileage-bot", "api.mileage-bot.localhost", "/health", /./],
  ["lila", "lila.localhost", "/", /<div id="root">/],
  ["lila", "api.lila.localhost", "/ready", /./],
  ["manacore", "auth.manacore.localhost", "/.well-known/jwks.json", /"keys"/],
  ["manacore", "api-chat.manacore.localhost", "/api/models", /gpt-4o-mini/],
  ["manacore", "app-chat.manacore.localhost", "/sign-in", /<html/i],
  ["nickapp", "nickapp.localhost", "/", /<html/i],
  ["nickapp", "nickapp.localhost", "/api/health", /./],
];
const standInsOffset = 9;

/** `npm run stacks` in a home of its own. */
class AllStacks {
  readonly home = mkdtempSync(join(tmpdir(), "roadstead-stacks-"));
  readonly #ports: readonly number[];
  readonly #runtime: Runtime;

  private constructor(runtime: Runtime, ports: readonly number[]) {
    this.#runtime = runtime;
    this.#ports = ports;
  }

  static async prepare(runtime: Runtime): Promise<AllStacks> {
    const [api, http, https] = [await freePort(), await freePort(), await freePort()];
    return new AllStacks(runtime, [api, http, https, standInBlock()]);
  }

  get http(): number {
    return this.#ports[1] ?? 0;
  }

  get standIns(): number {
    return this.#ports[3] ?? 0;
  }

  async up(): Promise<{ rows: Row[]; platform: number; exitCode: number }> {
    const places = ["--api", "--http", "--https", "--stand-ins"].flatMap((name, at) => [
      name,
      String(this.#ports[at]),
    ]);
    const { stdout, exitCode, stderr } = await this.#run(["--runtime", this.#runtime, ...places, "--json"]);
    const line = stdout.trim().split("\n").at(-1) ?? "";
    if (!line.startsWith("{")) throw new Error(`no table: exit code ${exitCode}\n${stderr.slice(-4000)}`);
    const found = JSON.parse(line) as { rows: Row[]; platform: number };
    if (exitCode !== 0) process.stdout.write(stderr.slice(-6000));
    return { ...found, exitCode };
  }

  async down(): Promise<void> {
    const { exitCode, stderr } = await this.#run(["--down"]);
    if (exitCode !== 0) throw new Error(stderr.slice(-4000));
    rmSync(this.home, { recursive: true, force: true });
  }

  get(host: string, path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const headers = { host: `${host}:${this.http}` };
      const asked = request(
        { host: "127.0.0.1", port: this.http, path, headers, timeout: 15_000 },
        (answer) => {
          let body = "";
          answer.on("data", (chunk) => {
            body += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
        },
      );
      asked.on("timeout", () => asked.destroy(new Error(`${host}${path}: no answer within 15 s`)));
      asked.on("error", reject).end();
    });
  }

  #run(args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const options = {
      cwd: root,
      maxBuffer: 32 * 1024 * 1024,
      env: { ...process.env, ...mongoImage(), NO_COLOR: "1" },
    };
    const argv = [join(root, "stacks/run.ts"), "--home", this.home, ...args];
    return new Promise((resolve) => {
      execFile(process.execPath, argv, options, (error, stdout, stderr) => {
        resolve({ exitCode: error ? Number(error.code ?? 128) : 0, stdout, stderr });
      });
    });
  }
}

/** The first of ten ports for the stand-ins, above the range from which the system itself gives ports (Linux: to 60999). */
function standInBlock(): number {
  return 61_000 + 10 * (process.pid % 400);
}

/** Where Docker Hub cannot be reached, the wire-compatible server of scripts/make-ferretdb-image.sh. */
function mongoImage(): Record<string, string> {
  if (process.env["MONGO_IMAGE"]) return {};
  const has = (image: string) => spawnSync("docker", ["image", "inspect", image]).status === 0;
  const other = "roadstead-test/mongo:8.0-ferretdb";
  return !has("mongo:8.0") && has(other) ? { MONGO_IMAGE: other } : {};
}

whenAvailable({ runtime: "docker", edge: "haproxy" }, () => {
  describe("all five reference stacks on one machine, docker + haproxy", () => {
    let stacks: AllStacks;
    let rows: Row[];
    let platform: number;
    beforeAll(async () => {
      stacks = await AllStacks.prepare("docker");
      ({ rows, platform } = await stacks.up());
    }, 20 * 60_000);
    afterAll(async () => {
      await stacks?.down();
    }, 5 * 60_000);

    it.each(stackNames)("%s is up", (name) => {
      const row = rows.find(({ stack }) => stack === name);
      expect(row, JSON.stringify(rows)).toMatchObject({ state: "healthy", missing: [] });
    });

    it.each(answers)("%s answers at %s%s through the edge", async (_stack, host, path, text) => {
      const { status, body } = await stacks.get(host, path);
      expect([status, body]).toEqual([200, expect.stringMatching(text)]);
    });

    it("olim-bot, which has no address, answers on the gateway", async () => {
      const discord = new Discord(stacks.standIns + standInsOffset);
      expect(await discord.ask("!ping")).toMatch(/^pong/);
      expect((await discord.sessions()).filter(({ overlap }) => overlap)).toEqual([]);
    });

    it("fits with Roadstead into the 4 GB of the smallest documented host (R-005, R-227)", () => {
      process.stdout.write(`\n${renderTable(rows, platform)}\n`);
      const total = rows.reduce((sum, row) => sum + row.memoryMegabytes, platform);
      expect(total).toBeGreaterThan(100);
      expect(total).toBeLessThan(4_000);
    });
  });
});

describe("all five reference stacks on one machine, process + embedded", () => {
  let stacks: AllStacks;
  let rows: Row[];
  beforeAll(async () => {
    stacks = await AllStacks.prepare("process");
    ({ rows } = await stacks.up());
  }, 20 * 60_000);
  afterAll(async () => {
    await stacks?.down();
  }, 5 * 60_000);

  it("runs those whose parts allow it, and says what the others lack", () => {
    const able = rows.filter(({ state }) => state === "healthy").map(({ stack }) => stack);
    expect(able, JSON.stringify(rows)).toEqual(["mileage-bot", "lila", "manacore", "olim-bot"]);
    const nickapp = rows.find(({ stack }) => stack === "nickapp");
    expect(nickapp?.state).toBe("not deployed");
    expect(nickapp?.missing.join("\n")).toMatch(/mongo\S* needs a container engine/);
  });

  it.each(answers.filter(([stack]) => stack !== "nickapp"))(
    "%s answers at %s%s through the edge",
    async (_stack, host, path, text) => {
      const { status, body } = await stacks.get(host, path);
      expect([status, body]).toEqual([200, expect.stringMatching(text)]);
    },
  );
});
