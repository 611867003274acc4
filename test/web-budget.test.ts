import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const dist = join(import.meta.dirname, "../web/dist");
const manifest = join(dist, ".vite/manifest.json");
const budgetBytes = 250_000;

type Chunk = { file: string; css?: string[]; imports?: string[]; isEntry?: boolean };

describe("the dashboard's first page", () => {
  if (!existsSync(manifest) && process.env["CI"] !== "true") {
    it.skip("needs the built dashboard: sh scripts/build-web.sh", () => undefined);
    return;
  }
  it("is below 250 KB, packed", () => {
    const chunks = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, Chunk>;
    const files = new Set<string>();
    const add = (chunk: Chunk | undefined) => {
      if (!chunk || files.has(chunk.file)) return;
      for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file);
      for (const name of chunk.imports ?? []) add(chunks[name]);
    };
    add(Object.values(chunks).find((chunk) => chunk.isEntry));
    const sizes = [...files].map((file) => gzipSync(readFileSync(join(dist, file))).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(files.size).toBeGreaterThan(1);
    expect(total).toBeLessThan(budgetBytes);
  });
});
