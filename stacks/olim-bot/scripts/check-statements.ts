import { readFileSync } from "node:fs";
import { join } from "node:path";
import { currentHashes, type Descriptions } from "./describe-statements.ts";
import { renderTypes } from "./render-types.ts";

/** The build's check, without any database: each statement is the one that a real server described. */
const root = join(import.meta.dirname, "..");
const described = JSON.parse(readFileSync(join(root, ".sqlx/statements.json"), "utf8")) as Descriptions;
const current = currentHashes();
const names = new Set([...Object.keys(current.statements), ...Object.keys(described.statements)]);
const stale = [...names].filter((name) => current.statements[name] !== described.statements[name]?.hash);
if (current.migrations !== described.migrations) stale.push("the migrations");
const types = readFileSync(join(root, "src/database/statement-types.generated.ts"), "utf8");
if (types !== renderTypes(described.statements)) stale.push("statement-types.generated.ts");
if (stale.length > 0) {
  process.stderr.write(`not described by a database: ${stale.join(", ")}; run npm run prepare-statements\n`);
  process.exitCode = 1;
}
