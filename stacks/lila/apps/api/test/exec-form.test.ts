import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { freshDatabase } from "./fresh-database.ts";

const root = join(import.meta.dirname, "..");

/** The program and arguments of the image's CMD. */
function imageCommand(): string[] {
  const line = readFileSync(join(root, "Dockerfile"), "utf8")
    .split("\n")
    .findLast((text) => text.startsWith("CMD "));
  return JSON.parse(line?.slice(4) ?? "[]");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

describe("migrations before the server starts, without a shell (R-129, R-130)", () => {
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
  before(async () => {
    fresh = await freshDatabase();
  });
  after(() => fresh?.drop());

  async function run(
    argv: readonly string[],
    until: RegExp,
  ): Promise<{ output: string; exit: number | null }> {
    const [program = "node", ...args] = argv;
    const child = spawn(program === "node" ? process.execPath : program, args, {
      cwd: root,
      env: {
        DATABASE_URL: fresh.url,
        HOST: "127.0.0.1",
        PORT: String(await freePort()),
        BETTER_AUTH_URL: "http://localhost:3000",
        BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
        CORS_ORIGIN: "http://localhost:5173",
      },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
    });
    let output = "";
    const listen = (chunk: Buffer) => {
      const before = until.test(output);
      output += chunk;
      // Once: a second SIGTERM means "at once" to the server.
      if (!before && until.test(output)) child.kill("SIGTERM");
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    const [exit] = await once(child, "close");
    return { output, exit };
  }

  it("as the document writes it, the server never starts: && reaches the first program as an argument", async () => {
    const { output, exit } = await run(["node", "src/migrate.ts", "&&", "node", "src/main.ts"], /listening/);
    assert.match(output, /migrate: 1 applied/);
    assert.doesNotMatch(output, /listening/);
    assert.equal(exit, 0);
  });

  it("as the image runs it: migrated, seeded, listening, in this order; SIGTERM ends it in peace", async () => {
    const { output, exit } = await run(imageCommand(), /listening/);
    assert.match(output, /migrate: 0 applied[\s\S]*seed: 3 languages[\s\S]*listening on 127\.0\.0\.1/);
    assert.match(output, /SIGTERM[\s\S]*stopped/);
    assert.equal(exit, 0);
  });
});
