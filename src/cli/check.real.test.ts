import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../lib/run.ts";

const root = join(import.meta.dirname, "..", "..");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "roadstead-check-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The CLI as a process of its own, in the folder with the files. */
async function roadstead(...words: string[]) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, ROADSTEAD_HOME: join(folder, "state") };
  return await run([process.execPath, join(root, "bin", "cli.ts"), ...words], {
    cwd: folder,
    env,
    timeoutMs: 30_000,
  });
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe("roadstead check, as a process", () => {
  it("ends with 0 for the example stack", async () => {
    const result = await roadstead("check", join(root, "examples", "harbor", "compose.yaml"));
    expect(result).toMatchObject({ exitCode: 0, stdout: "" });
    expect(result.stderr).toContain("4 services, ready to deploy");
  });

  it("ends with 1 for a bad file and shows all problems, each with its place", async () => {
    const name = write(
      "bad.yaml",
      "services:\n  web:\n    image: nginx\n    prots: ['80']\n    restart: 7\n",
    );
    const result = await roadstead("check", name);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(/bad\.yaml:4:5/);
    expect(result.stdout).toContain("4 |     prots: ['80']\n      |     ^");
    expect(result.stdout).toMatch(/bad\.yaml:5:\d+ {2}services\.web\.restart/);
    expect(result.stderr).toMatch(/bad\.yaml: \d+ errors/);
  });

  it("names the loop of a dependency cycle (R-015)", async () => {
    const name = write(
      "cycle.yaml",
      "services:\n  a:\n    image: x\n    depends_on: [b]\n  b:\n    image: x\n    depends_on: [a]\n",
    );
    const result = await roadstead("check", name);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(/a.*b.*a|b.*a.*b/);
  });

  it("prints one JSON document with --json", async () => {
    const name = write("json.yaml", "services:\n  web:\n    imagee: nginx\n");
    const result = await roadstead("check", "--json", name);
    expect(result.exitCode).toBe(1);
    expect(JSON.parse(result.stdout)).toMatchObject({ ok: false, problems: expect.any(Array) });
  });

  it("refuses broken YAML with its line, a missing file with 3, no file at all with 3", async () => {
    const broken = await roadstead("check", write("broken.yaml", "services:\n  web: [\n"));
    expect(broken.exitCode).toBe(1);
    expect(broken.stdout).toContain("broken.yaml:");
    expect(await roadstead("check", "none.yaml")).toMatchObject({ exitCode: 3 });
    expect(await roadstead("check")).toMatchObject({ exitCode: 3 });
  });

  it("checks 2,000 lines in a moment", async () => {
    const services = Array.from(
      { length: 250 },
      (_, index) =>
        `  s${index}:\n    image: nginx:1\n    environment:\n      A: \${A:-1}\n      B: two\n    labels:\n      k: v\n    restart: always\n`,
    );
    const name = write("large.yaml", `name: large\nservices:\n${services.join("")}`);
    const before = performance.now();
    expect(await roadstead("check", name)).toMatchObject({ exitCode: 0 });
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
