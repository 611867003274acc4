import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryRepository } from "../backup/drivers/memory.ts";
import { PostgresSource } from "../backup/sources/postgres.ts";
import { adoptPostgres, runPostgres } from "../backup/sources/postgres-adopt.ts";
import { systemClock } from "../lib/clock.ts";
import { randomIds } from "../lib/ids.ts";
import type { ReleaseId } from "../rollout/ids.ts";
import { engineProblem } from "../runtime/drivers/docker/docker-support.ts";
import type { Service, Stack } from "../stack/stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { DatabaseBuilder } from "./database-builder.ts";
import { DatabaseStage, probeTiming, psql, signal } from "./database-stage-support.ts";
import { LogPoints } from "./log-points.ts";
import { PostgresRecovery } from "./postgres-recovery.ts";
import { RepositoryBook } from "./repository-book.ts";

const absent = await engineProblem();
if (absent && process.env["CI"] === "true") throw new Error(`docker is needed: ${absent}`);
if (absent) process.stderr.write(`skipped, points in time: ${absent}\n`);

describe.skipIf(absent)("every moment of a PostgreSQL of an unmodified image (R-204)", () => {
  let stage: DatabaseStage;
  let points: LogPoints;
  let folder: string;
  const store = createMemoryStore();
  const kept = () => {
    const { compose } = stage.serving.spec;
    const db: Service = { name: "db", compose } as Partial<Service> as Service;
    const { stack: name, environment } = stage.scope;
    const backups: Stack["backups"] = { sources: { db: { pointInTime: true } } };
    const stack: Stack = {
      ...{ name, environment, backups, services: [db], networks: {}, files: [] },
      volumes: { data: { name: `${name}_data` } },
    };
    const of = { kind: "postgres" as const, priority: "critical" as const, services: ["db"], exclude: [] };
    return { scope: stage.scope, stack, source: { name: "db", checks: ["SELECT true"], ...of } };
  };
  const recoverable = () => points.recoverable(stage.scope, "db");

  beforeAll(async () => {
    stage = await DatabaseStage.open("docker", {
      compose: { image: "postgres:16" },
      environment: { POSTGRES_USER: "shop", POSTGRES_DB: "shop", POSTGRES_PASSWORD: "hush" },
      port: 5432,
      probe: { kind: "exec", argv: ["pg_isready -U shop || exit 1"], shell: true, ...probeTiming },
      dataFolder: "/var/lib/postgresql/data",
    });
    folder = await mkdtemp(join(tmpdir(), "roadstead-logs-"));
    const repositories = new RepositoryBook(store, () => new MemoryRepository());
    await repositories.add({ name: "main", location: "/backups", credentials: {} }, 0, signal);
    const bundle = { projectDirectory: "/", composeFiles: [], texts: {}, variables: {}, profiles: [] };
    const release = { id: "rel_1" as ReleaseId, scope: stage.scope, createdAt: 0, label: "", bundle };
    store.releases.create({ ...release, configHash: "", images: {}, fileVersions: {} });
    store.scopes.update(stage.scope, (state) => ({ ...state, current: release.id }));
    points = new LogPoints({
      ...{
        store,
        clock: systemClock,
        ids: randomIds(Date.now),
        runtime: stage.runtime,
        repositories,
        folder,
      },
      resolve: () => ({ stack: kept().stack }),
      servingOf: () => stage.serving,
      keptOf: kept,
      log: (_level, message) => void process.stderr.write(`${message}\n`),
    });
    points.start();
  });

  afterAll(async () => {
    await points?.stop();
    await stage?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("brings back exactly what was committed by then, on new volumes, masked, without touching what serves", async () => {
    await psql(stage.place, "CREATE TABLE notes (id int); INSERT INTO notes SELECT generate_series(1, 1000)");
    await expect.poll(() => recoverable()?.earliest, { timeout: 60_000 }).toBeDefined();
    await psql(stage.place, "INSERT INTO notes VALUES (1001)");
    const before = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await psql(stage.place, "TRUNCATE notes");
    const emptied = Date.now();
    await expect.poll(() => recoverable()?.latest ?? 0, { timeout: 30_000 }).toBeGreaterThan(emptied);
    // Ten seconds are promised; a word comes every second and is written down every five.
    expect(Date.now() - (recoverable()?.latest ?? 0)).toBeLessThan(10_000);
    const { runtime, serving } = stage;
    const builder = new DatabaseBuilder({
      ...{ runtime, clock: systemClock, source: new PostgresSource(), servingOf: () => serving },
      ...{ dataFolder: "/var/lib/postgresql/data", adopt: adoptPostgres, run: runPostgres },
      recovery: new PostgresRecovery(systemClock),
    });
    const choice = points.choose(stage.scope, "db", { at: before });
    const data = { kind: "files" as const, content: await choice.content(signal), logs: choice.logs };
    const instance = {
      id: "test",
      mounts: { data: `${stage.scope.stack}_data.r1` },
      mask: "CREATE TABLE masked ()",
    };
    const { manifest, checks } = await builder.build(kept(), data, instance, signal);
    const notes = manifest.parts.filter(({ name }) => name.includes("notes"));
    expect(notes.map(({ rows }) => rows)).toEqual([1001]);
    expect(checks).toMatchObject([{ ok: true }]);
    expect(await psql(stage.place, "SELECT count(*) FROM notes")).toBe("0\n");
  });

  it("says from when to when, where a moment is not there", () => {
    expect(() => points.choose(stage.scope, "db", { at: Date.now() + 3600_000 })).toThrow(
      /cannot be brought back/,
    );
    expect(() => points.choose(stage.scope, "db", { name: "nowhere" })).toThrow(/no point nowhere/);
  });
});
