import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { migrate } from "../src/database/migrate.ts";
import { createDatabase, createPool } from "../src/database/pool.ts";
import { readDatabaseSettings } from "../src/database/settings.ts";

export const databaseUrl = process.env["DATABASE_URL"];

/** Tests against a server need DATABASE_URL, an account that may create databases; in CI its absence fails. */
export const skip =
  databaseUrl || process.env["CI"] === "true" ? false : "DATABASE_URL names no PostgreSQL to test against";

/** An empty database of its own on the real server, migrated, and gone afterwards. */
export async function freshDatabase() {
  if (!databaseUrl) throw new Error("DATABASE_URL is not set");
  const name = `olim_${randomUUID().replaceAll("-", "")}`;
  const admin = new Client({ connectionString: databaseUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const pool = createPool(readDatabaseSettings({ DATABASE_URL: url.href, DATABASE_POOL_MAX: "3" }));
  const queries: string[] = [];
  const database = createDatabase(pool, (_level, message, fields) => {
    if (message === "query") queries.push(String(fields?.["query"]));
  });
  await migrate(pool, () => undefined);
  return {
    pool,
    database,
    url: url.href,
    /** Names of the statements that ran, in order. */
    queries,
    count: async (table: string) =>
      Number((await pool.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

/** Records what would go to Discord. */
export function recordingOutbox() {
  const sent: { channelId: string; text: string; nonce?: string }[] = [];
  return {
    sent,
    send: async (channelId: string, text: string, nonce?: string) => {
      sent.push({ channelId, text, ...(nonce === undefined ? {} : { nonce }) });
    },
  };
}
