import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, Pool } from "pg";
import { migrate } from "../src/database/migrate.ts";
import { statements } from "../src/database/statements.ts";
import { currentHashes, type Descriptions, describe } from "./describe-statements.ts";
import { renderTypes } from "./render-types.ts";

/**
 * Describes every statement against the database of DATABASE_URL, in a schema of its own that is dropped again, and
 * writes .sqlx/statements.json and the types. With `--check` nothing is written; differences end with exit code 1.
 */
const url = process.env["DATABASE_URL"];
if (!url) throw new Error("DATABASE_URL must name an empty database");
const schema = `prepare_${process.pid}`;
const options = `-c search_path=${schema}`;
const admin = new Client({ connectionString: url });
await admin.connect();
await admin.query(`CREATE SCHEMA ${schema}`);
try {
  const pool = new Pool({ connectionString: url, options, max: 1 });
  await migrate(pool, () => undefined);
  await pool.end();
  const client = new Client({ connectionString: url, options });
  await client.connect();
  const described: Descriptions = { migrations: currentHashes().migrations, statements: {} };
  for (const [name, sql] of Object.entries(statements))
    described.statements[name] = await describe(client, sql);
  await client.end();
  keep("../.sqlx/statements.json", `${JSON.stringify(described, undefined, 2)}\n`);
  keep("../src/database/statement-types.generated.ts", renderTypes(described.statements));
} finally {
  await admin.query(`DROP SCHEMA ${schema} CASCADE`);
  await admin.end();
}

function keep(name: string, text: string): void {
  const path = join(import.meta.dirname, name);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
  } else if (!same(readFileSync(path, "utf8"), text)) {
    process.stderr.write(`${name} is out of date: run npm run prepare-statements\n`);
    process.exitCode = 1;
  }
}

/** A formatter may have laid out the JSON otherwise. */
function same(kept: string, text: string): boolean {
  const plain = (one: string) => (text.startsWith("{") ? JSON.stringify(JSON.parse(one)) : one);
  return plain(kept) === plain(text);
}
