import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dirname, "../docs/benchmarks.md");

/** Replaces what stands between a suite's two marks in docs/benchmarks.md; the prose around stays. */
export function writeSection(name: string, text: string): void {
  const open = `<!-- numbers:${name} -->`;
  const close = `<!-- /numbers:${name} -->`;
  const page = readFileSync(docs, "utf8");
  const from = page.indexOf(open);
  const to = page.indexOf(close);
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place ${open} … ${close}`);
  writeFileSync(docs, `${page.slice(0, from)}${open}\n\n${text}\n\n${page.slice(to)}`);
}
