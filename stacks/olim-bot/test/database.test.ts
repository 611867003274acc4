import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Client } from "pg";
import { explainFailure } from "../src/database/explain-failure.ts";
import { migrate } from "../src/database/migrate.ts";
import { createPool } from "../src/database/pool.ts";
import { type DatabaseSettings, readDatabaseSettings } from "../src/database/settings.ts";
import { databaseUrl, freshDatabase, skip } from "./database-support.ts";

const root = join(import.meta.dirname, "..");
const url = "postgresql://bot:p%40ss@db.example.com:5433/discord_bot";

describe("database settings", () => {
  it("reads the URL, percent-encoded password included (R-109)", () => {
    const { host, port, user, password, database, tls } = readDatabaseSettings({ DATABASE_URL: url });
    assert.deepEqual(
      [host, port, user, password, database, tls],
      ["db.example.com", 5433, "bot", "p@ss", "discord_bot", "disable"],
    );
  });

  it("verifies the certificate of an external database by default, and refuses less in production (R-124)", () => {
    const external = { DATABASE_URL: url, DATABASE_SCENARIO: "external" };
    assert.equal(readDatabaseSettings(external).tls, "verify-full");
    for (const mode of ["disable", "require"])
      assert.throws(
        () => readDatabaseSettings({ ...external, DATABASE_URL: `${url}?sslmode=${mode}` }),
        /verify-full/,
      );
    const development = { ...external, DATABASE_URL: `${url}?sslmode=require`, APP_ENV: "development" };
    assert.equal(readDatabaseSettings(development).tls, "require");
  });

  it("never quotes the password in a message", () => {
    for (const DATABASE_URL of [
      "postgresql://bot:geheim@:x",
      "mysql://bot:geheim@db/x",
      `${url.replace("p%40ss", "geheim")}?sslmode=prefer`,
    ])
      assert.throws(
        () => readDatabaseSettings({ DATABASE_URL }),
        (error: Error) => /DATABASE_URL/.test(error.message) && !error.message.includes("geheim"),
      );
  });
});

describe("a database that cannot be used", () => {
  const settings = (over: Partial<DatabaseSettings>): DatabaseSettings => ({
    ...readDatabaseSettings({ DATABASE_URL: databaseUrl ?? url, DATABASE_SCENARIO: "same-network" }),
    ...over,
  });
  const failure = async (at: DatabaseSettings) => {
    const pool = createPool(at);
    const error = await pool.query("SELECT 1").then(
      () => assert.fail("it connected"),
      (reason: unknown) => reason,
    );
    await pool.end();
    return explainFailure(error, at);
  };

  it("is told apart: name unknown, connection refused (R-124)", async () => {
    assert.equal((await failure(settings({ host: "no-such-host.invalid" }))).kind, "dns");
    const refused = await failure(settings({ host: "127.0.0.1", port: 1 }));
    assert.deepEqual([refused.kind, /127\.0\.0\.1:1 refuses/.test(refused.text)], ["refused", true]);
  });

  it("is told apart: no answer within 5 s (R-124)", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = address && typeof address === "object" ? address.port : 0;
    const { kind, text } = await failure(settings({ host: "127.0.0.1", port }));
    silent.close();
    assert.deepEqual([kind, /firewall/.test(text)], ["timeout", true]);
  });

  it("is told apart: no TLS there, wrong database (R-124)", { skip }, async () => {
    assert.equal((await failure(settings({ tls: "verify-full" }))).kind, "tls");
    assert.equal((await failure(settings({ database: "no_such_database" }))).kind, "auth");
  });
});

describe("schema and queries", { skip }, () => {
  it("migrates once, also when two start at the same time (R-316)", async () => {
    await using fixture = await freshDatabase();
    await Promise.all([migrate(fixture.pool, () => undefined), migrate(fixture.pool, () => undefined)]);
    assert.equal(await fixture.count("schema_migration"), 3);
  });

  it("answers the next query after every connection was cut (R-319)", async () => {
    await using fixture = await freshDatabase();
    await fixture.database.ping();
    const admin = new Client({ connectionString: fixture.url });
    await admin.connect();
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await admin.end();
    // The server's farewell must have arrived; then the pool is empty again.
    while (fixture.pool.totalCount > 0) await new Promise((resolve) => setImmediate(resolve));
    await fixture.database.ping();
  });

  it("never opens more connections than its limit (R-319)", async () => {
    await using fixture = await freshDatabase();
    await Promise.all(Array.from({ length: 20 }, () => fixture.database.ping()));
    assert.equal(fixture.pool.totalCount, 3);
  });

  it("has up-to-date descriptions of every query (R-055)", () => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/prepare-statements.ts", "--check"], {
      cwd: root,
    });
    assert.deepEqual([status, String(stderr)], [0, ""]);
  });
});

describe("the build", () => {
  /** A copy of the sources whose query asks for a column that does not exist. */
  const withWrongColumn = (check: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), "olim-build-"));
    try {
      for (const name of ["src", "scripts", ".sqlx", "package.json", "tsconfig.json"])
        cpSync(join(root, name), join(folder, name), { recursive: true });
      execFileSync("ln", ["-s", join(root, "node_modules"), join(folder, "node_modules")]);
      check(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const edit = (path: string, from: string, to: string) => {
    const text = readFileSync(path, "utf8");
    assert.ok(text.includes(from));
    writeFileSync(path, text.replace(from, to));
  };

  it("fails without a database for a query that no database has described (R-319, R-055)", () => {
    withWrongColumn((folder) => {
      edit(
        join(folder, "src/database/statements.ts"),
        "daily_channel_id, command_prefix",
        "daily_channel, command_prefix",
      );
      const env = { ...process.env, DATABASE_URL: "" };
      const check = spawnSync(process.execPath, ["scripts/check-statements.ts"], { cwd: folder, env });
      assert.equal(check.status, 1);
      assert.match(String(check.stderr), /guildConfig/);
    });
  });

  it("fails in the compiler for code that uses a wrong column (R-319)", () => {
    withWrongColumn((folder) => {
      edit(join(folder, "src/database/guild-store.ts"), "row.daily_channel_id", "row.daily_channel");
      const compiler = join(root, "node_modules/typescript/bin/tsc");
      const check = spawnSync(process.execPath, [compiler, "-p", folder]);
      assert.notEqual(check.status, 0);
      assert.match(String(check.stdout), /Property 'daily_channel' does not exist/);
    });
  });

  it("cannot describe a wrong column at all (R-319)", { skip }, () => {
    withWrongColumn((folder) => {
      edit(
        join(folder, "src/database/statements.ts"),
        "daily_channel_id, command_prefix",
        "daily_channel, command_prefix",
      );
      const prepare = spawnSync(process.execPath, ["scripts/prepare-statements.ts"], { cwd: folder });
      assert.notEqual(prepare.status, 0);
      assert.match(String(prepare.stderr), /column "daily_channel" does not exist/);
    });
  });
});
