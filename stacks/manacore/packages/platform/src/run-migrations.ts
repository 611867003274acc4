import { z } from "zod";
import { Database } from "./database.js";
import { type Migration, migrate } from "./migrations.js";
import { readSettings } from "./settings.js";

/** The release job of a service: applies its migrations and says which. */
export async function runMigrations(migrations: readonly Migration[]): Promise<void> {
  const { DATABASE_URL } = readSettings(z.object({ DATABASE_URL: z.url() }));
  const database = new Database(DATABASE_URL);
  try {
    const applied = await migrate(database, migrations);
    process.stdout.write(`migrations: ${applied.length === 0 ? "nothing to do" : applied.join(", ")}\n`);
  } finally {
    await database.close();
  }
}
