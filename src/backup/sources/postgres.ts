import { createHash } from "node:crypto";
import { type Clock, systemClock } from "../../lib/clock.ts";
import type { Manifest, ManifestPart } from "../../policy/backup-manifest.ts";
import type { CheckResult } from "../../policy/backup-verdict.ts";
import { backupError } from "../errors.ts";
import type { Dump, Source } from "../source.ts";
import { bytesOf, type DatabasePlace, feed, outputOf, settingOf } from "./database-place.ts";
import { DumpArchiveWriter, readDumpArchive } from "./dump-archive.ts";
import { askPostgres } from "./postgres-checks.ts";
import { contentsOf } from "./postgres-contents.ts";
import { postgresTools } from "./postgres-tools.ts";
import { connectionName, openPsql, type PostgresLogin, psqlArgv } from "./psql-session.ts";

const globalsName = "globals.sql";
/** Waiting longer for a table that somebody holds exclusively fails the dump; the next one may succeed. */
const lockWaitMs = 60_000;

type Database = { name: string; quoted: string };

/**
 * Every database of a PostgreSQL server. Each is counted and dumped from one exported snapshot, so that the manifest
 * says exactly what the dump holds whatever is written meanwhile; the databases follow one another.
 */
export class PostgresSource implements Source<DatabasePlace> {
  readonly kind = "postgres";
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async dump(place: DatabasePlace, signal: AbortSignal): Promise<Dump> {
    const login = await loginOf(place, signal);
    const server = await serverOf(place, login, signal);
    const tools = await postgresTools(place, server.major, signal);
    const takenAt = this.#clock.now();
    const archive = new DumpArchiveWriter(takenAt);
    const found: FoundDatabase[] = [];
    let complete = false;
    async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* archive.file("README.txt", Buffer.from(readme));
      const globals = [tools.pgDumpall, "--globals-only", "--no-tablespaces", "-U", login.user];
      yield* archive.dump(globalsName, "roles", outputOf(place, globals, { env: login.env }, signal));
      for (const [at, database] of server.databases.entries()) {
        const folder = folderOf(database.name, at);
        yield* dumpDatabase({ place, login, archive, found, database, folder, tool: tools.pgDump }, signal);
      }
      yield* archive.end(manifestOf(server, found, { takenAt, sizeBytes: archive.sizeBytes }));
      complete = true;
    }
    const manifest = async () => {
      if (!complete)
        throw backupError("BACKUP_SOURCE_FAILED", `the dump of ${place.name} was not read whole`);
      return manifestOf(server, found, { takenAt, sizeBytes: archive.sizeBytes });
    };
    return { content: content(), manifest };
  }

  async restore(
    content: AsyncIterable<Uint8Array>,
    place: DatabasePlace,
    signal: AbortSignal,
  ): Promise<void> {
    const login = await loginOf(place, signal);
    const server = await serverOf(place, login, signal);
    const tools = await postgresTools(place, server.major, signal);
    await refuseFull({ place, login, server }, signal);
    // pg_restore makes each database with its own encoding and owner; those that a fresh server has are empty.
    const drops = server.databases.map(({ quoted }) => `DROP DATABASE ${quoted} WITH (FORCE)`);
    await execute({ place, login, server }, drops, signal);
    await readDumpArchive(content, async (folder, dump) => {
      if (folder === globalsName) {
        await execute({ place, login, server }, [withoutRoles(await textOf(dump), server.roles)], signal);
        return;
      }
      const target = ["-U", login.user, "-d", connectionName(server.meeting)];
      const argv = [tools.pgRestore, "--exit-on-error", "--create", "--no-tablespaces", ...target];
      await feed(place, argv, { env: login.env, stdin: dump }, signal);
    });
  }

  async inspect(place: DatabasePlace, signal: AbortSignal): Promise<Manifest> {
    const login = await loginOf(place, signal);
    const server = await serverOf(place, login, signal);
    const found: FoundDatabase[] = [];
    for (const database of server.databases) {
      const session = await openPsql(place, { database: database.name, login }, signal);
      try {
        await session.rows(beginSql);
        found.push({ name: database.name, ...(await contentsOf(session, database.name)) });
      } finally {
        await session.close();
      }
    }
    return manifestOf(server, found, { takenAt: this.#clock.now(), sizeBytes: server.sizeBytes });
  }

  /** Own questions to what a place holds: SQL whose first value must be true, or a number above zero. */
  async check(place: DatabasePlace, checks: readonly string[], signal: AbortSignal): Promise<CheckResult[]> {
    if (checks.length === 0) return [];
    const login = await loginOf(place, signal);
    const database = await settingOf(place, ["POSTGRES_DB", "POSTGRES_USER"], signal);
    return await Promise.all(
      checks.map((check) => askPostgres(place, { check, login, database: database ?? "postgres" }, signal)),
    );
  }
}

type FoundDatabase = { name: string; structure: string; parts: ManifestPart[] };

type Dumping = {
  place: DatabasePlace;
  login: PostgresLogin;
  archive: DumpArchiveWriter;
  found: FoundDatabase[];
  database: Database;
  folder: string;
  tool: string;
};

/** Counts first: the session's locks then keep every counted table from being truncated before pg_dump reads it. */
async function* dumpDatabase(
  { place, login, archive, found, database, folder, tool }: Dumping,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const session = await openPsql(place, { database: database.name, login }, signal);
  try {
    await session.rows(beginSql);
    const [snapshot] = await session.rows("SELECT to_json(pg_export_snapshot())");
    found.push({ name: database.name, ...(await contentsOf(session, database.name)) });
    // Not compressed here: the repository compresses, and only so finds what has not changed since the last dump.
    const options = ["-Fc", "-Z0", `--snapshot=${String(snapshot)}`, `--lock-wait-timeout=${lockWaitMs}`];
    const argv = [tool, ...options, "-U", login.user, "-d", connectionName(database.name)];
    yield* archive.dump(folder, database.name, outputOf(place, argv, { env: login.env }, signal));
    // A session that ended meanwhile would have let its locks go.
    await session.rows("SELECT 1");
  } finally {
    await session.close();
  }
}

const beginSql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/** The server's own account of the image; passwords come from its variables or the files that they name. */
async function loginOf(place: DatabasePlace, signal: AbortSignal): Promise<PostgresLogin> {
  const user = (await settingOf(place, ["POSTGRES_USER"], signal)) ?? "postgres";
  const password = await settingOf(place, ["POSTGRES_PASSWORD"], signal);
  // A role's own settings must not let an index or a cache answer for the table.
  const env = { PGCONNECT_TIMEOUT: "30", ...(password === undefined ? {} : { PGPASSWORD: password }) };
  return { user, env };
}

type Server = {
  major: number;
  version: string;
  databases: Database[];
  roles: string[];
  sizeBytes: number;
  /** Where to connect while other databases are dropped and made. */
  meeting: string;
};

const serverSql = `SELECT json_build_object('major', current_setting('server_version_num')::int / 10000,
  'version', split_part(current_setting('server_version'), ' ', 1), 'meeting', 'template1',
  'databases', (SELECT coalesce(json_agg(json_build_object('name', datname, 'quoted', quote_ident(datname))
    ORDER BY datname), '[]') FROM pg_catalog.pg_database WHERE NOT datistemplate AND datallowconn),
  'roles', (SELECT json_agg(quote_ident(rolname)) FROM pg_catalog.pg_roles),
  'sizeBytes', (SELECT coalesce(sum(pg_database_size(oid)), 0) FROM pg_catalog.pg_database WHERE NOT datistemplate))`;

async function serverOf(place: DatabasePlace, login: PostgresLogin, signal: AbortSignal): Promise<Server> {
  const database = (await settingOf(place, ["POSTGRES_DB"], signal)) ?? login.user;
  const session = await openPsql(place, { database, login }, signal);
  try {
    const [server] = (await session.rows(serverSql)) as [Server];
    return server;
  } finally {
    await session.close();
  }
}

const anythingSql = `SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND NOT EXISTS
    (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`;

async function refuseFull(
  { place, login, server }: { place: DatabasePlace; login: PostgresLogin; server: Server },
  signal: AbortSignal,
): Promise<void> {
  for (const { name } of server.databases) {
    const session = await openPsql(place, { database: name, login }, signal);
    try {
      const [count] = await session.rows(anythingSql);
      if (count !== 0)
        throw backupError(
          "BACKUP_RESTORE_FAILED",
          `${place.name} already holds data in the database ${name}`,
          {
            hint: "Restore into a new instance; what serves is never overwritten.",
          },
        );
    } finally {
      await session.close();
    }
  }
}

async function execute(
  { place, login, server }: { place: DatabasePlace; login: PostgresLogin; server: Server },
  statements: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const sql = statements.map((statement) => `${statement};\n`).join("");
  await feed(place, psqlArgv(server.meeting, login), { env: login.env, stdin: bytesOf(sql) }, signal);
}

function manifestOf(
  server: Server,
  found: readonly FoundDatabase[],
  of: { takenAt: number; sizeBytes: number },
): Manifest {
  const hash = createHash("sha256");
  for (const { name, structure } of found) hash.update(`${name} ${structure}\n`);
  return {
    engine: `postgres ${server.version}`,
    ...of,
    schema: hash.digest("hex"),
    parts: found.flatMap(({ parts }) => parts),
  };
}

/** A file name that every system takes; the manifest tells the database's own. */
function folderOf(name: string, at: number): string {
  return /^\w[\w.-]*$/.test(name) ? `${name}.dump` : `~${at + 1}.dump`;
}

/** Roles that a fresh server has already are only altered: psql would stop at the first that exists. */
function withoutRoles(globals: string, roles: readonly string[]): string {
  const present = new Set(roles.map((role) => `CREATE ROLE ${role};`));
  return globals
    .split("\n")
    .filter((line) => !present.has(line))
    .join("\n");
}

const maxGlobalsBytes = 32 * 1024 * 1024;

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.byteLength;
    if (bytes > maxGlobalsBytes)
      throw backupError("BACKUP_RESTORE_FAILED", `${globalsName} is longer than roles can be`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

const readme = `All databases of a PostgreSQL server, in the formats of PostgreSQL's own tools.

Each dump is a folder of parts that belong together: tar -xOf puts them in a row again. By hand, into an empty server:

  tar -xOf FILE globals.sql | psql -U postgres -d postgres       # roles; "already exists" is no harm
  tar -tf FILE                                                   # which databases there are
  tar -xOf FILE shop.dump | pg_restore -U postgres --create -d postgres

A database that exists already: leave --create out and give its own name after -d. manifest.json, the last file, tells
how many rows every table had, and the SHA-256 of every dump.
`;
