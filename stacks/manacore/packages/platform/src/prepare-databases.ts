import pg from "pg";
import { z } from "zod";
import { readSettings } from "./settings.js";

/**
 * The job that gives each application its own database and role. It may run again at any time, on a volume that
 * already holds data, and then sets passwords anew; a script of the image's init folder runs on an empty volume only.
 */
const settings = readSettings(
  z.object({
    ADMIN_DATABASE_URL: z.url(),
    MANACORE_DB_PASSWORD: z.string().min(1),
    CHAT_DB_PASSWORD: z.string().min(1),
    PICTURE_DB_PASSWORD: z.string().min(1),
    MEMORO_DB_PASSWORD: z.string().min(1),
    MAERCHENZAUBER_DB_PASSWORD: z.string().min(1),
    ULOAD_DB_PASSWORD: z.string().min(1),
  }),
);

const owners = [
  { role: "manacore", database: "manacore_db", password: settings.MANACORE_DB_PASSWORD },
  { role: "chat", database: "chat_db", password: settings.CHAT_DB_PASSWORD },
  { role: "picture", database: "picture_db", password: settings.PICTURE_DB_PASSWORD },
  { role: "memoro", database: "memoro_db", password: settings.MEMORO_DB_PASSWORD },
];

/** The document names four databases: these two projects live in a schema of their own in manacore_db. */
const tenants = [
  { role: "maerchenzauber", password: settings.MAERCHENZAUBER_DB_PASSWORD },
  { role: "uload", password: settings.ULOAD_DB_PASSWORD },
];

const admin = new pg.Client({
  connectionString: settings.ADMIN_DATABASE_URL,
  connectionTimeoutMillis: 10_000,
});
await admin.connect();
try {
  for (const { role, password } of [...owners, ...tenants]) await ensureRole(role, password);
  for (const { role, database } of owners) await ensureDatabase(database, role);
  for (const { role } of tenants) await admin.query(`GRANT CONNECT ON DATABASE manacore_db TO ${role}`);
} finally {
  await admin.end();
}
await ensureSchemas();
process.stdout.write(`databases ready: ${owners.map(({ database }) => database).join(", ")}\n`);

async function ensureRole(role: string, password: string): Promise<void> {
  const { rowCount } = await admin.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
  const verb = rowCount === 0 ? "CREATE" : "ALTER";
  await admin.query(`${verb} ROLE ${role} LOGIN PASSWORD ${admin.escapeLiteral(password)}`);
}

async function ensureDatabase(database: string, owner: string): Promise<void> {
  const { rowCount } = await admin.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
  if (rowCount === 0) await admin.query(`CREATE DATABASE ${database} OWNER ${owner}`);
  await admin.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
}

async function ensureSchemas(): Promise<void> {
  const url = new URL(settings.ADMIN_DATABASE_URL);
  url.pathname = "/manacore_db";
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    await client.query("ALTER SCHEMA public OWNER TO manacore");
    for (const { role } of tenants) {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${role} AUTHORIZATION ${role}`);
      await client.query(`ALTER ROLE ${role} IN DATABASE manacore_db SET search_path = ${role}`);
    }
  } finally {
    await client.end();
  }
}
