import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../lib/run.ts";
import { type ReleaseId, type Revision, replicaId, type Scope } from "../../rollout/ids.ts";
import { findRedis } from "../../servers/server-programs.ts";
import type { ComposeService } from "../../stack/compose-model.ts";
import type { Probe } from "../../stack/stack.ts";
import { signal, timing, until } from "../conformance-support.ts";
import type { ReplicaSpec } from "../port.ts";
import { keptFolder } from "./process/servers.ts";
import { volumeFolder } from "./process/volume-folder.ts";
import { ProcessRuntime } from "./process.ts";

const scope: Scope = { stack: "shop", environment: "test" };
const isReady: Probe = { kind: "exec", argv: ["pg_isready -U shop || exit 1"], shell: true, ...timing };
let home = "";
let runtime: ProcessRuntime;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "roadstead-servers-"));
  await run(["chmod", "711", home], { timeoutMs: 5000 });
});
beforeEach(() => {
  runtime = new ProcessRuntime({ home });
});
afterEach(async () => {
  for (const { id } of await runtime.observe("all", signal)) await runtime.removeReplica(id, signal);
  await runtime.removeResources(scope, { volumes: true }, signal);
  await runtime.close();
});
afterAll(async () => {
  const left = await run(["pgrep", "-f", home], { timeoutMs: 5000 });
  await rm(home, { recursive: true, force: true });
  expect(left.stdout).toBe("");
});

async function specOf(
  service: string,
  compose: ComposeService,
  rest: Partial<ReplicaSpec> = {},
): Promise<ReplicaSpec> {
  const volumes = { data: { name: "shop_data" } };
  const image = await runtime.ensureImage({ scope, service, compose }, () => undefined, signal);
  const addresses = await runtime.ensureResources(
    { scope, networks: {}, volumes, services: [{ service, addressing: "direct", networks: [] }] },
    signal,
  );
  const revision = "aaaaaaaaaa" as Revision;
  return {
    id: replicaId(scope, service, revision, 0),
    ...{ scope, service, revision, ordinal: 0, release: "rel_1" as ReleaseId },
    ...{ image, compose, addresses, volumes, networks: {}, files: [], addressing: "direct" },
    ports: image.exposedPorts.map((port) => ({ port, protocol: "tcp" as const })),
    environment: {},
    ...rest,
  };
}

const database: ComposeService = {
  image: "postgres:16",
  volumes: [{ type: "volume", source: "data", target: "/var/lib/postgresql/data" }],
};
const environment = { POSTGRES_USER: "shop", POSTGRES_PASSWORD: "it's; a $ecret", POSTGRES_DB: "orders" };

async function ready(spec: ReplicaSpec): Promise<string> {
  await runtime.startReplica(spec, signal);
  await until("the database", async () => (await runtime.probe(spec.id, isReady, signal)).ok);
  const [replica] = await runtime.observe(scope, signal);
  return replica?.host ?? "";
}

async function ask(host: string, text: string, options: Partial<pg.ClientConfig> = {}): Promise<unknown[]> {
  const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: name } = environment;
  const client = new pg.Client({ host, port: 5432, user, password, database: name, ...options });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

describe("postgres without containers", () => {
  it("is a real server at the service's address that wants its password (R-114)", async () => {
    const spec = await specOf("db", database, { environment });
    expect(spec.image.description).toMatch(/^postgres \d+\.\d+, local server for postgres:16$/);
    const host = await ready(spec);
    expect(host).toBe(spec.addresses[0]?.host);
    expect(await ask(host, "select current_user as who, current_database() as what")).toEqual([
      { who: "shop", what: "orders" },
    ]);
    await expect(ask(host, "select 1", { password: "wrong" })).rejects.toThrow(/authentication failed/);
  });

  it("keeps its data over a stop, a new driver and a new replica", async () => {
    const spec = await specOf("db", database, { environment });
    const host = await ready(spec);
    await ask(host, "create table parcels as select 42 as weight");
    await runtime.close();
    runtime = new ProcessRuntime({ home });
    expect(await ask(host, "select weight from parcels")).toEqual([{ weight: 42 }]);
    await runtime.stopReplica(spec.id, 20, signal);
    const [stopped] = await runtime.observe(scope, signal);
    expect(stopped?.state).toBe("exited");
    await runtime.removeReplica(spec.id, signal);
    await ready(spec);
    expect(await ask(host, "select weight from parcels")).toEqual([{ weight: 42 }]);
  });

  it("goes on with its data although the file names no volume, but not in another environment", async () => {
    const unnamed = { image: "postgres:16" };
    const first = { ...(await specOf("db", unnamed, { environment })), keepsData: true };
    const host = await ready(first);
    await ask(host, "create table crates as select 7 as count");
    await runtime.stopReplica(first.id, 20, signal);
    await runtime.removeReplica(first.id, signal);
    const next = {
      ...first,
      id: `${first.id.slice(0, -2)}x-1` as ReplicaSpec["id"],
      revision: "next" as ReplicaSpec["revision"],
    };
    await ready(next);
    expect(await ask(host, "select count from crates")).toEqual([{ count: 7 }]);
    expect(keptFolder(next, "postgres")).not.toBe(
      keptFolder({ ...next, scope: { ...next.scope, environment: "staging" } }, "postgres"),
    );
  });

  it("stops by a fast shutdown, with exit code 0 and within the grace period", async () => {
    const spec = await specOf("db", database, { environment });
    const host = await ready(spec);
    const idle = new pg.Client({
      ...{ host, port: 5432, user: "shop", password: environment.POSTGRES_PASSWORD, database: "orders" },
    });
    idle.on("error", () => undefined);
    await idle.connect();
    await runtime.stopReplica(spec.id, 20, signal);
    expect(await runtime.observe(scope, signal)).toEqual([
      expect.objectContaining({ state: "exited", exitCode: 0 }),
    ]);
    await idle.end().catch(() => undefined);
  });

  it("takes the password from a secret file and runs the set-up scripts once", async () => {
    const scripts = join(home, "scripts");
    await mkdir(scripts, { recursive: true, mode: 0o755 });
    await writeFile(
      join(scripts, "1-schema.sql"),
      "create table ships (name text); -- one; two\ncreate database spare;\ninsert into ships values ('a;b');",
    );
    await writeFile(join(scripts, "2-mark.sh"), 'touch "$PGHOST/was-here"\n');
    const bind = { type: "bind" as const, source: scripts, target: "/docker-entrypoint-initdb.d" };
    const compose = { ...database, volumes: [...(database.volumes ?? []), bind] };
    const { POSTGRES_PASSWORD, ...rest } = environment;
    const spec = await specOf("db", compose, {
      environment: { ...rest, POSTGRES_PASSWORD_FILE: "/run/secrets/password" },
      files: [
        { target: "/run/secrets/password", content: Buffer.from(`${POSTGRES_PASSWORD}\n`), mode: 0o400 },
      ],
    });
    const host = await ready(spec);
    expect(await ask(host, "select name from ships")).toEqual([{ name: "a;b" }]);
    expect(await ask(host, "select datname from pg_database where datname = 'spare'")).toHaveLength(1);
    const runs = await readdir(join(home, "process", "run"), { recursive: true });
    expect(runs.some((name) => name.endsWith("was-here"))).toBe(true);
  });

  it("runs programs beside the server without a password, as in the image", async () => {
    const spec = await specOf("db", database, { environment });
    await ready(spec);
    let output = "";
    const io = {
      tty: false,
      onStdout: (chunk: Uint8Array) => {
        output += Buffer.from(chunk).toString();
      },
      onStderr: () => undefined,
    };
    const script = "console.log(process.env.PGUSER, process.env.PGDATABASE, process.env.PGHOST)";
    expect(await runtime.exec(spec.id, ["node", "-e", script], io, signal)).toBe(0);
    const [sample] = await runtime.stats(scope, signal);
    expect(sample?.pids).toBeGreaterThan(3);
    const [user, name, sockets = ""] = output.trim().split(" ");
    expect([user, name]).toEqual(["shop", "orders"]);
    expect((await stat(sockets)).mode & 0o077).toBe(0);
  });

  it("refuses to start without a password, and leaves no half-made data", async () => {
    const spec = await specOf("db", database, { environment: { POSTGRES_USER: "shop" } });
    await expect(runtime.startReplica(spec, signal)).rejects.toMatchObject({
      code: "RUNTIME_START_FAILED",
      hint: expect.stringMatching(/POSTGRES_PASSWORD/),
    });
    expect(
      await readdir(join(home, "process", "volumes", volumeFolder(scope, { name: "shop_data" }))),
    ).toEqual([]);
    expect(await runtime.observe(scope, signal)).toEqual([]);
  });

  it("begins anew when a set-up script fails", async () => {
    const script = join(home, "broken.sql");
    await writeFile(script, "create table half (x int);\nselect * from nowhere;");
    const target = "/docker-entrypoint-initdb.d/broken.sql";
    const bind = { type: "bind" as const, source: script, target };
    const compose = { ...database, volumes: [...(database.volumes ?? []), bind] };
    const spec = await specOf("db", compose, { environment });
    await expect(runtime.startReplica(spec, signal)).rejects.toThrow(/broken.sql.*nowhere/);
    await writeFile(script, "create table half (x int);");
    const host = await ready(spec);
    expect(await ask(host, "select * from half")).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)("never runs as root", async () => {
    const spec = await specOf("db", database, { environment });
    await ready(spec);
    const { stdout } = await run(["pgrep", "-f", "-a", `${home}.*shop_data`], { timeoutMs: 5000 });
    const pid = stdout.split(" ")[0] ?? "";
    expect((await stat(`/proc/${pid}`)).uid).not.toBe(0);
  });

  it("is told apart from a server that is not there (R-160)", async () => {
    const spec = await specOf("db", database, { environment });
    await ready(spec);
    await runtime.stopReplica(spec.id, 20, signal);
    expect(await runtime.probe(spec.id, isReady, signal)).toMatchObject({ ok: false });
  });
});

const redis = ["/usr/bin", "/usr/local/bin"]
  .flatMap((folder) => [join(folder, "redis-server"), join(folder, "valkey-server")])
  .find((path) => existsSync(path));
if (redis === undefined && process.env["CI"] === "true") throw new Error("CI must have a redis-server");

describe.skipIf(redis === undefined)(
  `redis without containers${redis === undefined ? " (skipped: no redis-server or valkey-server here)" : ""}`,
  () => {
    const ping = (...words: string[]): Probe => ({
      kind: "exec",
      argv: ["redis-cli", ...words, "ping"],
      shell: false,
      ...timing,
    });

    it("demands its password, and the probe authenticates (R-161)", async () => {
      const command = ["redis-server", "--requirepass", "s3cret", "--appendonly", "yes"];
      const volumes = [{ type: "volume" as const, source: "data", target: "/data" }];
      const spec = await specOf("cache", { image: "redis:7-alpine", command, volumes });
      await runtime.startReplica(spec, signal);
      await until("PONG", async () => (await runtime.probe(spec.id, ping(), signal)).ok);
      expect(await runtime.probe(spec.id, ping("-a", "s3cret"), signal)).toMatchObject({ ok: true });
      expect(await runtime.probe(spec.id, ping("-a", "wrong"), signal)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/auth failed/),
      });
      const files = await readdir(
        join(home, "process", "volumes", volumeFolder(scope, { name: "shop_data" })),
      );
      expect(files).toContain("appendonlydir");
      await runtime.stopReplica(spec.id, 10, signal);
      expect(await runtime.observe(scope, signal)).toEqual([
        expect.objectContaining({ state: "exited", exitCode: 0 }),
      ]);
    });

    it("is adopted by the next driver although it overwrites its environment", async () => {
      const spec = await specOf("cache", { image: "redis:7" });
      await runtime.startReplica(spec, signal);
      await until("PONG", async () => (await runtime.probe(spec.id, ping(), signal)).ok);
      await runtime.close();
      runtime = new ProcessRuntime({ home });
      expect(await runtime.probe(spec.id, ping(), signal)).toMatchObject({ ok: true });
    });
  },
);

describe("a machine without Redis", () => {
  it("says how to get one", async () => {
    await expect(findRedis("redis", signal, [home])).rejects.toMatchObject({
      code: "SERVER_PROGRAM_MISSING",
      hint: expect.stringMatching(/redis-server/),
    });
  });
});
