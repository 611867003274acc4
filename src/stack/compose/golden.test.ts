import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasErrors } from "../problem.ts";
import { corpusCases, corpusFolder, loadFromDisk } from "./corpus-support.ts";
import { serviceKeys } from "./support.ts";

/**
 * Every corpus file gives exactly the recorded model, or the recorded problems. `UPDATE_GOLDEN=1` records anew; the
 * oracle test holds the same files against the reference implementation.
 */
const cases = corpusCases();

function recorded(name: string, actual: unknown): unknown {
  const file = join(corpusFolder, "expected", `${name}.json`);
  const text = `${JSON.stringify(actual, null, 2)
    .replaceAll(corpusFolder, "/corpus")
    .replaceAll(dirname(corpusFolder), "/fixtures")}\n`;
  if (process.env["UPDATE_GOLDEN"] === "1" || !existsSync(file)) {
    expect(process.env["UPDATE_GOLDEN"], `no recorded result ${file}`).toBe("1");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return { expected: readFileSync(file, "utf8"), actual: text };
}

describe("golden Compose corpus (R-016)", () => {
  it.each(cases)("$name gives the recorded result", ({ name, files, kind }) => {
    const { model, problems } = loadFromDisk(files);
    expect(hasErrors(problems), JSON.stringify(problems)).toBe(kind === "refused");
    const { expected, actual } = recorded(name, { model, problems }) as { expected: string; actual: string };
    expect(actual).toBe(expected);
  });

  it("says file, line, column and path for every problem of the refused files", () => {
    for (const { name, files } of cases.filter(({ kind }) => kind === "refused")) {
      for (const problem of loadFromDisk(files).problems) {
        expect(problem, name).toMatchObject({
          file: expect.any(String),
          line: expect.any(Number),
          column: expect.any(Number),
        });
      }
    }
  });

  it("holds at least 60 files, and every service key of the schema in at least one accepted file", () => {
    const accepted = cases.filter(({ kind }) => kind !== "refused");
    expect(accepted.length).toBeGreaterThanOrEqual(60);
    const all = accepted.flatMap(({ files }) => files.map((file) => readFileSync(file, "utf8"))).join("\n");
    const missing = serviceKeys.filter((key) => !new RegExp(`(^|[\\s{,])${key}:`, "m").test(all));
    expect(missing).toEqual([]);
  });
});
