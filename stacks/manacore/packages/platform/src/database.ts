import pg from "pg";
import { count } from "./metrics.js";

/** Ten connections for each replica, as the architecture says. */
const poolSize = 10;

export type Row = Record<string, unknown>;

export interface Queries {
  /** `purpose` names the statement in the metrics. */
  query<T extends Row>(purpose: string, text: string, values?: readonly unknown[]): Promise<T[]>;
}

/** PostgreSQL with a bounded pool; each statement is counted, so that what a cache saves can be seen. */
export class Database implements Queries {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 30_000,
      statement_timeout: 10_000,
    });
    // An idle connection that breaks must not end the process: the next query opens a new one.
    this.#pool.on("error", (error) => process.stderr.write(`database: ${error.message}\n`));
  }

  async query<T extends Row>(purpose: string, text: string, values: readonly unknown[] = []): Promise<T[]> {
    return run<T>(this.#pool, purpose, text, values);
  }

  /** Commits what `work` did when it resolves; rolls all of it back when it throws. */
  async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      await client.query("BEGIN");
      const result = await work({
        query: (purpose, text, values = []) => run(client, purpose, text, values),
      });
      await client.query("COMMIT");
      return result;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {
        broken = true;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  get connections(): number {
    return this.#pool.totalCount;
  }

  async ping(): Promise<void> {
    await this.#pool.query("SELECT 1");
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function run<T extends Row>(
  client: pg.Pool | pg.PoolClient,
  purpose: string,
  text: string,
  values: readonly unknown[],
): Promise<T[]> {
  count("sql_statements_total", purpose);
  const { rows } = await client.query<T>(text, [...values]);
  return rows;
}
