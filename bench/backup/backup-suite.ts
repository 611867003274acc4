import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ResticRepository } from "../../src/backup/drivers/restic.ts";
import { PostgresSource } from "../../src/backup/sources/postgres.ts";
import { run } from "../../src/lib/run.ts";
import { compareManifests } from "../../src/policy/backup-verdict.ts";
import { DatabaseStage, probeTiming, psql, signal } from "../../src/vault/database-stage-support.ts";
import { number, type Suite, type SuiteOptions, type SuiteReport } from "../report.ts";
import { withPeakMemory } from "./peak-memory.ts";

const image = "postgres:16";
const quickMib = 256;
const fullMib = 1024;
const limitMs = 3_600_000;

/** Half of it random, so that compression has work and little to gain, as with real tables. */
function seedSql(mib: number): string {
  return `CREATE TABLE events (id bigint PRIMARY KEY, kind int, what text, body text);
    INSERT INTO events SELECT n, n % 17, 'event number ' || n, md5(n::text) || md5((n * 7)::text) || repeat('plain ', 15)
      FROM generate_series(1, ${mib * 4000}) n; CREATE INDEX ON events (kind); VACUUM ANALYZE events;`;
}

/** What it takes to copy a PostgreSQL database, to prove the copy, and to do both by hand. */
export const backupSuite: Suite = {
  title: "Backups of PostgreSQL",
  run: async (options) => {
    const stage = await DatabaseStage.open("docker", {
      compose: { image },
      environment: { POSTGRES_USER: "shop", POSTGRES_DB: "shop", POSTGRES_PASSWORD: "bench" },
      port: 5432,
      probe: { kind: "exec", argv: ["pg_isready -U shop"], shell: true, ...probeTiming },
      dataFolder: "/var/lib/postgresql/data",
    });
    const folder = await mkdtemp(join(tmpdir(), "roadstead-bench-"));
    try {
      return await measure(stage, folder, options);
    } finally {
      await stage.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(stage: DatabaseStage, folder: string, options: SuiteOptions): Promise<SuiteReport> {
  const mib = options.mib ?? (options.quick ? quickMib : fullMib);
  options.say(`filling a database with ${mib} MiB`);
  await psql(stage.place, seedSql(mib));
  const size = Number(await psql(stage.place, "SELECT pg_database_size('shop')")) / 1024 ** 2;
  options.say("by hand");
  const hand = await byHand(stage);
  options.say("through Roadstead");
  const own = await roadstead(stage, folder);
  return {
    tables: [
      {
        caption: `One database of ${number(size)} MiB; seconds, one run each.`,
        header: ["", "backup", "restore", "verified", "peak MiB"],
        rows: [
          ["`pg_dump -Fc`, `pg_restore` by hand", number(hand.backup), number(hand.restore), "not", "–"],
          [
            "Roadstead, restic, throw-away",
            number(own.backup),
            number(own.restore),
            own.verified,
            number(own.mib),
          ],
        ],
      },
    ],
    notes: [
      "Backup: by hand a file in the container, compressed by pg_dump. Roadstead: rows of every table counted, dumped and encrypted into a restic repository.",
      "Restore: by hand into a second database of the same server. Roadstead: read back, an instance of its own started, restored, every table counted and compared, the instance removed.",
      "Peak memory is of the control plane's process and restic together, without the server.",
    ],
    missing: ["pgBackRest, which copies files of the server rather than rows."],
    programs: ["docker", "restic"],
  };
}

async function byHand(stage: DatabaseStage): Promise<{ backup: number; restore: number }> {
  const container = stage.serving.spec.id;
  const inside = async (...argv: string[]) => {
    const { exitCode, stderr } = await run(["docker", "exec", container, ...argv], { timeoutMs: limitMs });
    if (exitCode !== 0) throw new Error(stderr);
  };
  const backup = await seconds(() => inside("pg_dump", "-U", "shop", "-Fc", "-f", "/tmp/by-hand", "shop"));
  await inside("createdb", "-U", "shop", "copy");
  const restore = await seconds(() => inside("pg_restore", "-U", "shop", "-d", "copy", "/tmp/by-hand"));
  await inside("dropdb", "-U", "shop", "copy");
  await inside("rm", "/tmp/by-hand");
  return { backup, restore };
}

type Own = { backup: number; restore: number; verified: string; mib: number };

async function roadstead(stage: DatabaseStage, folder: string): Promise<Own> {
  const source = new PostgresSource();
  const location = join(folder, "repository");
  const cacheFolder = join(folder, "cache");
  const repository = new ResticRepository({
    ...{ program: "restic", location, password: "bench", credentials: {}, cacheFolder },
  });
  await repository.open(signal);
  const { value, mib } = await withPeakMemory("restic", async () => {
    const began = performance.now();
    const dump = await source.dump(stage.place, signal);
    const about = { scope: "bench/production", source: "db", kind: "postgres" as const, labels: [] };
    const stored = await repository.save({ ...about, takenAt: Date.now() }, dump.content, signal);
    const manifest = await dump.manifest();
    const dumped = performance.now();
    const differences = await stage.throwAway(async (place) => {
      await source.restore(repository.read(stored.id, signal), place, signal);
      return compareManifests(manifest, await source.inspect(place, signal));
    });
    const restored = performance.now();
    const verified = differences.length === 0 ? "every table" : differences.join("; ");
    return { backup: (dumped - began) / 1000, restore: (restored - dumped) / 1000, verified };
  });
  return { ...value, mib };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
