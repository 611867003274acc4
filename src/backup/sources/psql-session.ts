import { randomUUID } from "node:crypto";
import { backupError } from "../errors.ts";
import { type DatabasePlace, toolFailed } from "./database-place.ts";

export type PostgresLogin = { user: string; env: Readonly<Record<string, string>> };

/** Without a user's own start file, without a pager, stopping at the first error. */
export function psqlArgv(database: string, login: PostgresLogin): string[] {
  const address = ["-U", login.user, "-d", connectionName(database)];
  return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", ...address];
}

/** A name with `=` or `://` would be taken for a connection string. */
export function connectionName(database: string): string {
  const escaped = database.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  return /[=:\\' ]/.test(database) ? `dbname='${escaped}'` : database;
}

/**
 * One open session with a database through psql: whoever holds a snapshot must keep its transaction open while others
 * read from it. Every question is one row set of one JSON value a row.
 */
export class PsqlSession {
  readonly #place: DatabasePlace;
  readonly #input = new Lines();
  readonly #output: AsyncIterator<string>;
  readonly #run: ReturnType<DatabasePlace["start"]>;
  readonly #stop = new AbortController();

  private constructor(place: DatabasePlace, database: string, login: PostgresLogin, signal: AbortSignal) {
    this.#place = place;
    const whole = AbortSignal.any([signal, this.#stop.signal]);
    this.#run = place.start(psqlArgv(database, login), { env: login.env, stdin: this.#input }, whole);
    this.#run.exitCode.catch(() => undefined);
    this.#output = linesOf(this.#run.stdout);
  }

  static async open(
    place: DatabasePlace,
    options: { database: string; login: PostgresLogin },
    signal: AbortSignal,
  ): Promise<PsqlSession> {
    const session = new PsqlSession(place, options.database, options.login, signal);
    try {
      await session.rows(steadyOutput);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Statements without their last semicolon; the rows of all of them. */
  async rows(sql: string): Promise<unknown[]> {
    const mark = `done-${randomUUID()}`;
    this.#input.push(`${sql};\n\\echo ${mark}\n`);
    const rows: unknown[] = [];
    for (;;) {
      const { value, done } = await this.#output.next();
      if (done) throw await this.#ended();
      if (value === mark) return rows;
      if (value !== "") rows.push(JSON.parse(value));
    }
  }

  async close(): Promise<void> {
    this.#input.end();
    await this.#output.return?.();
    this.#stop.abort(new Error("the session was closed"));
    await this.#run.exitCode.catch(() => undefined);
  }

  async #ended(): Promise<Error> {
    const exitCode = await this.#run.exitCode;
    const words = this.#run.complaint();
    return toolFailed(this.#place, ["psql"], words, exitCode);
  }
}

/**
 * The same texts whatever the database's or the role's own settings are, and no time limits: a count may take hours.
 * Tables with row security must not look empty.
 */
const steadyOutput = `SELECT to_json(set_config(name, '0', false)) FROM pg_settings WHERE name IN ('statement_timeout',
  'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout');
  SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
  SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = ''; SET row_security = off`;

/** What is written to a tool bit by bit. */
class Lines implements AsyncIterable<Uint8Array> {
  readonly #waiting: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(text: string): void {
    this.#waiting.push(text);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const text = this.#waiting.shift();
      if (text !== undefined) yield Buffer.from(text);
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** A row may be long, but not without a limit. */
const maxLineLength = 16 * 1024 * 1024;

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineLength) throw backupError("BACKUP_SOURCE_FAILED", "a row of psql is too long");
    yield* lines;
  }
  if (rest !== "") yield rest;
}
