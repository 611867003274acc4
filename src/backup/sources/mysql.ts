import { type Clock, systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/platform-error.ts";
import type { Manifest } from "../../policy/backup-manifest.ts";
import type { CheckResult } from "../../policy/backup-verdict.ts";
import { backupError } from "../errors.ts";
import type { Dump, Source } from "../source.ts";
import { answerOf, bytesOf, type DatabasePlace, feed, outputOf, settingOf } from "./database-place.ts";
import { DumpArchiveWriter, readDumpArchive } from "./dump-archive.ts";
import { judgeAnswer } from "./judge-answer.ts";
import { mysqlContents, ownSchemas } from "./mysql-contents.ts";
import { SqlSession } from "./sql-session.ts";

const folder = "all-databases.sql";
/** mysqldump prints it after its transaction has begun, before the first row. */
const begunMark = "-- Current Database:";
const lockWaitSeconds = 60;
/** What mysqldump prints before its first database. */
const maxPreamble = 1024 * 1024;

/**
 * All databases, users and routines of a MariaDB or MySQL server, in mysqldump's SQL. The transactions of the dump and
 * of the counts begin under one short read lock, so that both see the same rows. Only of tables that have transactions:
 * MyISAM and Aria ones may change in between, and the verdict then says so.
 */
export class MysqlSource implements Source<DatabasePlace> {
  readonly kind = "mysql";
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async dump(place: DatabasePlace, signal: AbortSignal): Promise<Dump> {
    const client = await MysqlClient.at(place, signal);
    const takenAt = this.#clock.now();
    const archive = new DumpArchiveWriter(takenAt);
    let found: Manifest | undefined;
    async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* archive.file("README.txt", Buffer.from(readme));
      const counter = await client.session();
      try {
        const begun = await beginTogether(client, counter);
        try {
          const engine = await client.engine(counter);
          const counted = { engine, takenAt, ...(await mysqlContents(counter)) };
          yield* archive.dump(folder, "all databases", begun);
          found = { ...counted, sizeBytes: archive.sizeBytes };
        } finally {
          await begun.return();
        }
      } finally {
        await counter.close();
      }
      yield* archive.end(found);
    }
    const manifest = async (): Promise<Manifest> => {
      if (!found) throw backupError("BACKUP_SOURCE_FAILED", `the dump of ${place.name} was not read whole`);
      return { ...found, sizeBytes: archive.sizeBytes };
    };
    return { content: content(), manifest };
  }

  async restore(
    content: AsyncIterable<Uint8Array>,
    place: DatabasePlace,
    signal: AbortSignal,
  ): Promise<void> {
    const client = await MysqlClient.at(place, signal);
    const tables = await client.ask(
      `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema ${ownSchemas}`,
    );
    if (tables.trim() !== "0")
      throw backupError("BACKUP_RESTORE_FAILED", `${place.name} already holds tables`, {
        hint: "Restore into a new instance; what serves is never overwritten.",
      });
    await readDumpArchive(content, async (_folder, dump) => {
      await feed(place, client.argv([]), { env: client.env, stdin: dump }, signal);
    });
  }

  async inspect(place: DatabasePlace, signal: AbortSignal): Promise<Manifest> {
    const client = await MysqlClient.at(place, signal);
    const session = await client.session();
    try {
      await session.rows(snapshotSql);
      const engine = await client.engine(session);
      return { engine, takenAt: this.#clock.now(), sizeBytes: 0, ...(await mysqlContents(session)) };
    } finally {
      await session.close();
    }
  }

  /** Own questions: SQL that reads, with another database in front as `chat: SELECT …`. */
  async check(place: DatabasePlace, checks: readonly string[], signal: AbortSignal): Promise<CheckResult[]> {
    const client = await MysqlClient.at(place, signal);
    const usual = await settingOf(place, ["MARIADB_DATABASE", "MYSQL_DATABASE"], signal);
    const results: CheckResult[] = [];
    for (const check of checks) {
      const named = /^([\w-]+):\s+(\S[\s\S]*)$/.exec(check);
      const sql = `SET SESSION TRANSACTION READ ONLY; ${named?.[2] ?? check}`;
      const answer = client.ask(sql, named?.[1] ?? usual).then(
        (output) => judgeAnswer(check, output),
        (error: unknown) => ({ check, ok: false, detail: messageOf(error) }),
      );
      results.push(await answer);
    }
    return results;
  }
}

const snapshotSql = `SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
  START TRANSACTION WITH CONSISTENT SNAPSHOT`;

type Output = AsyncGenerator<Uint8Array, void, undefined>;

/** Starts the dump and the counter's transaction at one moment; nobody writes until both have begun. */
async function beginTogether(client: MysqlClient, counter: SqlSession): Promise<Output> {
  const locker = await client.session();
  const options = ["--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob"];
  const dump = client.dump([...options, "--flush-privileges", "--all-databases"]);
  try {
    await locker.rows(`SET SESSION lock_wait_timeout = ${lockWaitSeconds}; FLUSH TABLES WITH READ LOCK`);
    await counter.rows(snapshotSql);
    const read: Uint8Array[] = [];
    let text = "";
    while (!text.includes(begunMark) && text.length < maxPreamble) {
      const next = await dump.next();
      if (next.done) break;
      read.push(next.value);
      text += Buffer.from(next.value).toString("latin1");
    }
    return joined(read, dump);
  } catch (error) {
    await dump.return();
    throw error;
  } finally {
    // Its end lets the lock go.
    await locker.close();
  }
}

async function* joined(first: readonly Uint8Array[], rest: Output): Output {
  try {
    yield* first;
    yield* rest;
  } finally {
    await rest.return();
  }
}

/** The server's own command line at a place; MySQL and MariaDB call it differently. */
class MysqlClient {
  readonly env: Readonly<Record<string, string>>;
  readonly #place: DatabasePlace;
  readonly #signal: AbortSignal;
  readonly #programs: { shell: string; dump: string };

  private constructor(
    place: DatabasePlace,
    options: { env: Record<string, string>; programs: { shell: string; dump: string } },
    signal: AbortSignal,
  ) {
    this.#place = place;
    this.#signal = signal;
    this.env = options.env;
    this.#programs = options.programs;
  }

  static async at(place: DatabasePlace, signal: AbortSignal): Promise<MysqlClient> {
    const password = await settingOf(place, ["MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD"], signal);
    const find = ["sh", "-c", "command -v mariadb-dump || command -v mysqldump || exit 127", "sh"];
    const dump = (await answerOf(place, find, {}, signal)).trim();
    const shell = dump.endsWith("mariadb-dump") ? "mariadb" : "mysql";
    const env: Record<string, string> = password === undefined ? {} : { MYSQL_PWD: password };
    return new MysqlClient(place, { env, programs: { shell, dump } }, signal);
  }

  argv(options: readonly string[]): string[] {
    return [this.#programs.shell, ...this.#login(), "--default-character-set=utf8mb4", ...options];
  }

  session(): Promise<SqlSession> {
    const argv = this.argv(["--batch", "--raw", "--skip-column-names", "--unbuffered"]);
    const printing = (text: string) => `SELECT '${text}';`;
    const tool = { argv, env: this.env, printing };
    return SqlSession.open(this.#place, tool, "SET SESSION time_zone = '+00:00'", this.#signal);
  }

  async ask(sql: string, database?: string): Promise<string> {
    const argv = this.argv(["--batch", "--skip-column-names", ...(database === undefined ? [] : [database])]);
    return await answerOf(this.#place, argv, { env: this.env, stdin: bytesOf(`${sql}\n`) }, this.#signal);
  }

  dump(options: readonly string[]): Output {
    const argv = [this.#programs.dump, ...this.#login(), "--default-character-set=utf8mb4", ...options];
    return outputOf(this.#place, argv, { env: this.env }, this.#signal);
  }

  async engine(session: SqlSession): Promise<string> {
    const [version] = await session.rows("SELECT JSON_QUOTE(VERSION())");
    const name = this.#programs.shell === "mariadb" ? "mariadb" : "mysql";
    return `${name} ${String(version).split("-")[0]}`;
  }

  #login(): string[] {
    const { address } = this.#place;
    const where = address ? ["-h", address.host, "-P", String(address.port)] : [];
    return [...where, "-u", "root"];
  }
}

const readme = `All databases, users and routines of a MariaDB or MySQL server, in the SQL of mysqldump.

The dump is a folder of parts that belong together: tar -xOf puts them in a row again. By hand, into an empty server:

  tar -xOf FILE all-databases.sql | mysql -u root -p

manifest.json, the last file, tells how many rows every table had, and the SHA-256 of the dump.
`;
