import { setTimeout as delay } from "node:timers/promises";
import { Pool, type PoolClient, types } from "pg";
import type { Log } from "../log.ts";
import { explainFailure } from "./explain-failure.ts";
import type { DatabaseSettings } from "./settings.ts";
import type { StatementTypes } from "./statement-types.generated.ts";
import { type StatementName, statements } from "./statements.ts";

/** How long one query may wait for a connection and run. */
const limitMs = 5_000;
const retryMs = 200;

// A date stays the text that the database has; as a Date it would shift with the machine's time zone.
types.setTypeParser(types.builtins.DATE, (text) => text);

export type Database = {
  run<N extends StatementName>(
    name: N,
    ...parameters: StatementTypes[N]["parameters"]
  ): Promise<StatementTypes[N]["row"][]>;
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** At most `maxConnections`, each replaced when it breaks; the next query after a restart of the server opens a new one. */
export function createPool(settings: DatabaseSettings): Pool {
  return new Pool({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    database: settings.database,
    max: settings.maxConnections,
    connectionTimeoutMillis: limitMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: limitMs,
    application_name: "olim-bot",
    ssl: settings.tls === "disable" ? false : tlsOptions(settings),
  });
}

function tlsOptions(settings: DatabaseSettings) {
  return {
    rejectUnauthorized: settings.tls === "verify-full",
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
  };
}

export function createDatabase(pool: Pool, log: Log): Database {
  // Without a listener a connection that the server closes would end the process.
  pool.on("error", (error) => log("warn", "database connection lost", { reason: error.message }));
  const execute = async (name: string, parameters: readonly unknown[]) => {
    const text = name === "ping" ? "SELECT 1" : statements[name as StatementName];
    log("trace", "query", { query: name });
    return (await withConnection(pool, (client) => client.query(text, [...parameters]))).rows;
  };
  return {
    run: (name, ...parameters) => execute(name, parameters),
    ping: async () => {
      await execute("ping", []);
    },
    close: () => pool.end(),
  };
}

/** A statement that was sent is never sent twice; a connection that broke under it is thrown away. */
async function withConnection<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await connectPatiently(pool, Date.now() + limitMs);
  let broken = false;
  try {
    return await use(client);
  } catch (error) {
    broken = !isAnswer(error);
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Nothing has been sent yet, so trying again is safe: a server that restarts is waited for. */
async function connectPatiently(pool: Pool, deadline: number): Promise<PoolClient> {
  for (;;) {
    try {
      return await pool.connect();
    } catch (error) {
      const { kind } = explainFailure(error, { host: "", port: 0 });
      const passing = kind === "refused" || kind === "dns" || isStarting(error);
      if (!passing || Date.now() + retryMs >= deadline) throw error;
      await delay(retryMs);
    }
  }
}

/** 57P03: starting up or shutting down. */
function isStarting(error: unknown): boolean {
  return codeOf(error) === "57P03";
}

/** The server answered with an error of its own, so the connection is sound; 57 and 08 mean that it is going away. */
function isAnswer(error: unknown): boolean {
  const code = codeOf(error);
  return /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08)/.test(code);
}

function codeOf(error: unknown): string {
  return error && typeof error === "object" && "code" in error ? String(error.code) : "";
}
