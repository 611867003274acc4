import { connect } from "./database/connect.ts";
import { migrateDatabase } from "./migrate.ts";
import { seedDatabase } from "./seed.ts";
import { readSettings, type Settings } from "./settings.ts";

/** Brings the database to this release: migrations, then languages and cards. Safe to run any number of times. */
export async function prepareDatabase({ DATABASE_URL }: Settings): Promise<void> {
  const { applied } = await migrateDatabase(DATABASE_URL);
  console.log(`migrate: ${applied} applied`);
  const { pool, db } = connect(DATABASE_URL, 1);
  try {
    const added = await seedDatabase(db);
    console.log(`seed: ${added.languages} languages and ${added.cards} cards added`);
  } finally {
    await pool.end();
  }
}

if (import.meta.main) await prepareDatabase(readSettings(process.env));
