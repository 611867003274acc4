import { join } from "node:path";
import { cliReference } from "../src/cli/reference.ts";
import { writeFileAtomic } from "../src/lib/atomic-file.ts";
import { renderDocs } from "../src/stack/render-docs.ts";

/** Writes the reference pages that come from the code; a unit test fails while they differ. */
const folder = join(import.meta.dirname, "../docs");
for (const [name, text] of Object.entries({ ...renderDocs(), "cli.md": await cliReference() })) {
  await writeFileAtomic(join(folder, name), text, 0o644);
  process.stdout.write(`docs/${name}\n`);
}
