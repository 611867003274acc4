import { connect } from "./database.js";

// Runs once per release, in the new image, before the release takes traffic. Every change only adds, so that the
// release before goes on working beside this one, and a rollback needs no way back.
const migrations = [
  `CREATE TABLE ships (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     name text NOT NULL,
     cargo text NOT NULL,
     tonnes integer NOT NULL,
     arrived_at timestamptz NOT NULL DEFAULT now(),
     left_at timestamptz
   )`,
  "CREATE INDEX ships_in_port ON ships (arrived_at) WHERE left_at IS NULL",
  `CREATE TABLE heartbeats (
     worker text PRIMARY KEY,
     version text NOT NULL,
     beats bigint NOT NULL DEFAULT 0,
     at timestamptz NOT NULL DEFAULT now()
   )`,
];

const pool = connect(1);
const client = await pool.connect();
try {
  await client.query("SELECT pg_advisory_lock(727001)");
  await client.query(
    "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, at timestamptz DEFAULT now())",
  );
  const { rows } = await client.query("SELECT coalesce(max(number), 0) AS done FROM migrations");
  const done = rows[0].done;
  for (const [index, sql] of migrations.entries()) {
    if (index < done) continue;
    await client.query("BEGIN");
    await client.query(sql);
    await client.query("INSERT INTO migrations (number) VALUES ($1)", [index + 1]);
    await client.query("COMMIT");
    console.log(`migration ${index + 1} applied`);
  }
  console.log(
    done === migrations.length ? "the database is up to date" : `now at migration ${migrations.length}`,
  );
} finally {
  client.release(true);
  await pool.end();
}
