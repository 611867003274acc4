import { runMigrations } from "@manacore/platform/run-migrations";
import { migrations } from "./migrations.js";

await runMigrations(migrations);
