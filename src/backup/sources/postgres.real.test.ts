import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareManifests, judgeBackup } from "../../policy/backup-verdict.ts";
import { engineProblem } from "../../runtime/drivers/docker/docker-support.ts";
import {
  type DatabaseService,
  DatabaseStage,
  dumped,
  pieces,
  probeTiming,
  psql,
  signal,
} from "../../vault/database-stage-support.ts";
import { removeThrowAway, throwAwayScope } from "../../vault/throw-away.ts";
import { PostgresSource } from "./postgres.ts";

const source = new PostgresSource();

function service(image: string): DatabaseService {
  return {
    compose: { image },
    environment: { POSTGRES_USER: "shop", POSTGRES_DB: "shop", POSTGRES_PASSWORD: "hush" },
    port: 5432,
    probe: { kind: "exec", argv: ["pg_isready -U shop || exit 1"], shell: true, ...probeTiming },
    dataFolder: "/var/lib/postgresql/data",
  };
}

const seedSql = `
  CREATE ROLE "app user" LOGIN PASSWORD 'sesame';
  CREATE EXTENSION IF NOT EXISTS plpgsql;
  CREATE SCHEMA "odd "".schema";
  CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
  CREATE DOMAIN euros AS numeric(12,2) CHECK (VALUE >= 0);
  CREATE TABLE users (id serial PRIMARY KEY, email varchar(80) NOT NULL UNIQUE CHECK (email IN ('a', 'b') OR length(email) > 2),
    born date, ratio double precision, photo bytea, tags text[], settings jsonb, dropped int);
  ALTER TABLE users DROP COLUMN dropped;
  INSERT INTO users (email, born, ratio, photo, tags, settings) SELECT 'user' || n || '@example.org', date '1990-01-01' + n,
    n / 7.0, decode(md5(n::text), 'hex'), ARRAY['a', 'ü', NULL, E'line\\nbreak'], '{"a": [1, null]}' FROM generate_series(1, 3000) n;
  CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY (START 1000) PRIMARY KEY, user_id int REFERENCES users (id),
    state state NOT NULL DEFAULT 'new', total euros, twice numeric GENERATED ALWAYS AS (total * 2) STORED, at timestamptz DEFAULT now());
  INSERT INTO orders (user_id, total) SELECT 1 + n % 3000, n FROM generate_series(1, 30000) n;
  CREATE INDEX late ON orders (at DESC) WHERE state <> 'sent';
  CREATE TABLE "odd "".schema"."Tab	le
'x'" ("Col ümn" text);
  INSERT INTO "odd "".schema"."Tab	le
'x'" VALUES ('1'), (NULL), ('');
  ALTER TABLE "odd "".schema"."Tab	le
'x'" OWNER TO "app user";
  CREATE TABLE events (day date, what text) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
  CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
  INSERT INTO events SELECT date '2026-01-01' + n, 'e' FROM generate_series(0, 299) n;
  CREATE UNLOGGED TABLE cache (k text PRIMARY KEY, v text);
  INSERT INTO cache VALUES ('a', 'b');
  CREATE VIEW big_orders AS SELECT o.*, u.email FROM orders o JOIN users u ON u.id = o.user_id WHERE o.total > 100;
  CREATE MATERIALIZED VIEW per_user AS SELECT user_id, count(*) AS n FROM orders GROUP BY user_id;
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
  CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
  ALTER TABLE users ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON users USING (email = current_user);
  SELECT lo_from_bytea(424242, decode(repeat('abcdef', 5000), 'hex'));
  SELECT nextval('users_id_seq') FROM generate_series(1, 7);
  CREATE DATABASE "chat db='x'";
  CREATE DATABASE picture;`;

const chatSql = "CREATE TABLE messages AS SELECT n, 'hello ' || n AS text FROM generate_series(1, 500) n;";

export function postgresConformance(name: string, runtime: "docker" | "process", image: string): void {
  describe(`PostgreSQL source, ${name}`, () => {
    let stage: DatabaseStage;
    beforeAll(async () => {
      stage = await DatabaseStage.open(runtime, service(image));
      await psql(stage.place, seedSql);
      await psql(stage.place, chatSql, "dbname='chat db=\\'x\\''");
      await psql(stage.place, chatSql, "picture");
    });
    afterAll(() => stage?.close());

    it("R-138 R-258: a restored copy holds exactly what was dumped, roles, large objects and sequences too", async () => {
      const { content, manifest } = await dumped(source, stage.place);
      expect(manifest.engine).toMatch(/^postgres \d+\.\d+/);
      expect(manifest.sizeBytes).toBe(content.byteLength);
      expect(manifest.parts).toContainEqual({ name: "shop.public.orders", rows: 30_000 });
      expect(manifest.parts.find((part) => part.name === "shop.public.users")).toMatchObject({
        rows: 3000,
        checksum: expect.stringMatching(/^-?\d+$/),
      });
      expect(manifest.parts).toContainEqual({ name: "shop large objects", rows: 1 });
      expect(manifest.parts.some((part) => part.name === "chat db='x'.public.messages")).toBe(true);
      await stage.throwAway(async (place) => {
        await source.restore(pieces(content), place, signal);
        const restored = await source.inspect(place, signal);
        expect(compareManifests(manifest, restored)).toEqual([]);
        expect(judgeBackup({ source: manifest, restored, before: manifest }).verdict).toBe("verified");
        expect(await psql(place, "SELECT last_value FROM users_id_seq")).toBe("3007\n");
        expect(await psql(place, "SELECT length(lo_get(424242)), count(*) FROM per_user")).toBe(
          "15000|3000\n",
        );
        expect(
          await psql(
            place,
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname ~ '^Tab' AND relkind = 'r'",
          ),
        ).toBe("app user\n");
        const checks = await source.check(
          place,
          [
            "SELECT count(*) > 2 FROM users",
            "picture: SELECT count(*) FROM messages;",
            "SELECT false",
            "SELECT x",
          ],
          signal,
        );
        expect(checks.map(({ ok }) => ok)).toEqual([true, true, false, false]);
        expect(checks[3]?.detail).toMatch(/column "x" does not exist/);
      });
      expect(await stage.environments()).toEqual(["production"]);
    });

    it("R-138: the manifest is of the very moment of the dump, whatever is written meanwhile", async () => {
      const writing = new AbortController();
      const writer = (async () => {
        for (let round = 0; !writing.signal.aborted; round += 1)
          await psql(
            stage.place,
            `BEGIN; INSERT INTO orders (user_id, total) VALUES (1, ${round}); DELETE FROM users WHERE id = (SELECT max(id) FROM users
               WHERE NOT EXISTS (SELECT FROM orders WHERE user_id = users.id)); UPDATE events SET what = 'u${round}'
               WHERE day = '2026-03-03'; DELETE FROM orders WHERE id = 1000 + ${round}; COMMIT;
               INSERT INTO users (email) VALUES ('new${round}-' || clock_timestamp());`,
          );
      })();
      const { content, manifest } = await dumped(source, stage.place);
      writing.abort();
      await writer;
      const now = await source.inspect(stage.place, signal);
      expect(compareManifests(manifest, now)).not.toEqual([]);
      await stage.throwAway(async (place) => {
        await source.restore(pieces(content), place, signal);
        expect(compareManifests(manifest, await source.inspect(place, signal))).toEqual([]);
      });
    });

    it("R-143: a stream that was cut or changed is refused", async () => {
      const { content } = await dumped(source, stage.place);
      const flipped = Buffer.from(content);
      const at = flipped.indexOf("user77@example.org");
      expect(at).toBeGreaterThan(0);
      flipped.write("USER", at);
      const cut = Math.floor(content.byteLength * 0.6);
      const ends = content.indexOf("manifest.json\0");
      for (const broken of [content.subarray(0, cut), content.subarray(0, ends), flipped])
        await expect(
          stage.throwAway((place) => source.restore(pieces(broken), place, signal)),
        ).rejects.toMatchObject({ code: expect.stringMatching(/^BACKUP_(RESTORE|SOURCE)_FAILED$/) });
    });

    it("never restores over data, and says so", async () => {
      const { content } = await dumped(source, stage.place);
      await expect(source.restore(pieces(content), stage.place, signal)).rejects.toThrow(
        /already holds data/,
      );
      expect(await psql(stage.place, "SELECT count(*) > 0 FROM users")).toBe("t\n");
    });

    it("R-145: an emptied database dumps without an error, and is suspect", async () => {
      const before = await source.inspect(stage.place, signal);
      await psql(stage.place, "TRUNCATE orders, users, events, cache");
      const { content, manifest } = await dumped(source, stage.place);
      await stage.throwAway(async (place) => {
        await source.restore(pieces(content), place, signal);
        const restored = await source.inspect(place, signal);
        const verdict = judgeBackup({ source: manifest, restored, before });
        expect(verdict.verdict).toBe("suspect");
        expect(verdict.reasons.join()).toMatch(/shop\.public\.orders shrank from \d+ to 0/);
      });
    });

    it("takes leftovers of a killed control plane away", async () => {
      let left: string[] = [];
      await stage.throwAway(async () => {
        await removeThrowAway(stage.runtime, throwAwayScope(stage.scope, "test"), signal);
        left = await stage.environments();
      });
      expect(left).toEqual(["production"]);
      await expect(removeThrowAway(stage.runtime, stage.scope, signal)).rejects.toThrow(/not a throw-away/);
    });
  });
}

const debian = "/usr/lib/postgresql";
const majors = existsSync(debian) ? readdirSync(debian).sort() : [];
const hostMajor = majors.find((major) =>
  ["postgres", "pg_dump"].every((program) => existsSync(`${debian}/${major}/bin/${program}`)),
);
if (hostMajor !== undefined)
  postgresConformance(`${hostMajor} as a process`, "process", `postgres:${hostMajor}`);
else if (process.env["CI"] === "true") throw new Error("Debian's package postgresql is not installed here");
else
  it.skip("PostgreSQL as a process (skipped: Debian's package postgresql is not installed)", () => undefined);

// The server that comes with the installation is of this major, and brings no pg_dump.
const bundledMajor = "17";
describe.skipIf(hostMajor === undefined || majors.includes(bundledMajor))(
  "PostgreSQL newer than pg_dump",
  () => {
    it("says which package is needed", async () => {
      const stage = await DatabaseStage.open("process", service(`postgres:${bundledMajor}`));
      try {
        await expect(source.dump(stage.place, signal)).rejects.toMatchObject({
          code: "BACKUP_TOOL_MISSING",
          message: expect.stringMatching(
            /pg_dump \d+ is too old for the PostgreSQL 17 of base.*\/production\/db/,
          ),
          hint: expect.stringContaining("postgresql-client-17"),
        });
      } finally {
        await stage.close();
      }
    });
  },
);

const problem = await engineProblem();
if (problem === undefined) {
  postgresConformance("16 in a container", "docker", "postgres:16");
  postgresConformance("17 in a container", "docker", "postgres:17");
} else it.skip(`PostgreSQL in containers (skipped: ${problem})`, () => undefined);
