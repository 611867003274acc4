import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openApiText } from "../src/api/openapi.ts";
import { permissionsPage } from "../src/api/permissions-page.ts";
import { cliReference } from "../src/cli/reference.ts";
import { writeFileAtomic } from "../src/lib/atomic-file.ts";
import { renderRunbook } from "../src/policy/render-runbook.ts";
import { renderDocs } from "../src/stack/render-docs.ts";
import { readmesWithTopology, withTopology } from "./stack-topologies.ts";

/** Writes the reference pages and diagrams that come from the code; a unit test fails while they differ. */
const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const pages = Object.entries({
  ...renderDocs(),
  "cli.md": await cliReference(),
  "openapi.json": openApiText(version),
  "permissions.md": permissionsPage(),
  "recovery.md": renderRunbook(),
});
for (const [path, text] of [
  ...pages.map(([name, page]) => [`docs/${name}`, page] as const),
  ...readmesWithTopology().map((path) => [path, withTopology(path)] as const),
]) {
  await writeFileAtomic(join(root, path), text, 0o644);
  process.stdout.write(`${path}\n`);
}
