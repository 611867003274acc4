import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logStoreConformance } from "../conformance.ts";
import { lines, scope } from "../logs-support.ts";
import { FileLogStore } from "./files.ts";

const never = new AbortController().signal;
/** The times of the lines are near nothing: none of them is old. */
const now = () => 10_000;
const folders: string[] = [];

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-logs-"));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

logStoreConformance("files", (options) => new FileLogStore({ folder: aFolder(), ...options }));
logStoreConformance(
  "files, in many partitions",
  (options) => new FileLogStore({ folder: aFolder(), partBytes: 2000, ...options }),
);

async function allTexts(store: FileLogStore): Promise<string[]> {
  const found: string[] = [];
  for (let before: string | undefined; ; ) {
    const page = await store.search({ limit: 5000, ...(before === undefined ? {} : { before }) }, never);
    found.unshift(...page.lines.map((line) => line.text));
    before = page.next;
    if (before === undefined) return found;
  }
}

describe("log files", () => {
  let folder = "";
  beforeEach(() => {
    folder = aFolder();
  });
  const openFiles = () =>
    readdirSync(join(folder, "shop", "production"))
      .filter((file) => file.endsWith(".open"))
      .map((file) => join(folder, "shop", "production", file));

  it("has the same lines, ids and positions after a restart, in many partitions or one", async () => {
    for (const partBytes of [1500, 1_000_000]) {
      const own = join(folder, String(partBytes));
      let store = new FileLogStore({ folder: own, partBytes, now });
      const written: string[] = [];
      for (let turn = 0; turn < 20; turn += 1) {
        const batch = Array.from({ length: 10 }, (_, at) => `line ${turn} ${at} ünï`);
        written.push(...batch);
        store.append({ scope, lines: lines(batch, { from: turn * 100 }), positions: { a: String(turn) } });
        store.flush();
        if (turn % 5 !== 4) continue;
        await store.prune();
        const before = await store.search({ limit: 5000 }, never);
        await store.close();
        store = new FileLogStore({ folder: own, partBytes, now });
        expect(store.positions(scope)).toEqual({ a: String(turn) });
        expect(await store.search({ limit: 5000 }, never)).toEqual(before);
      }
      expect(await allTexts(store)).toEqual(written);
      await store.close();
    }
  });

  it("cuts off what was not written whole, wherever the write broke off", async () => {
    const store = new FileLogStore({ folder });
    store.append({ scope, lines: lines(["one", "two"]), positions: { a: "2" } });
    store.flush();
    const [path = ""] = openFiles();
    const whole = readFileSync(path).length;
    store.append({
      scope,
      lines: lines(["three", "four"], { from: 2000, line: { replica: "new" } }),
      positions: { a: "4" },
    });
    await store.close();
    const all = readFileSync(path);
    for (let length = whole; length < all.length; length += 1) {
      writeFileSync(path, all);
      truncateSync(path, length);
      const again = new FileLogStore({ folder });
      expect(again.positions(scope)).toEqual({ a: "2" });
      again.append({ scope, lines: lines(["next"], { from: 3000, line: { replica: "other" } }) });
      expect(await allTexts(again)).toEqual(["one", "two", "next"]);
      await again.close();
    }
  });

  it("takes one of both when it was killed between packing and removing a partition", async () => {
    const store = new FileLogStore({ folder, partBytes: 200, now });
    store.append({ scope, lines: lines(["one", "two"]) });
    const part = join(folder, "shop", "production");
    store.flush();
    const first = openFiles()[0] ?? "";
    store.append({ scope, lines: lines([".".repeat(200)]) });
    store.flush();
    const plain = readFileSync(first);
    await store.prune();
    await store.close();
    expect(openFiles()).not.toContain(first);
    writeFileSync(first, plain);
    appendFileSync(join(part, "000000000-2-rs-rt.sealed.draft"), "half");
    const again = new FileLogStore({ folder, partBytes: 200, now });
    expect(await allTexts(again)).toHaveLength(3);
    await again.close();
  });

  it("loses at most the last second when the process is killed while it writes", async () => {
    const program = `
      const { FileLogStore } = await import(${JSON.stringify(join(import.meta.dirname, "files.ts"))});
      const store = new FileLogStore({ folder: process.argv[1], partBytes: 20000 });
      const scope = { stack: "shop", environment: "production" };
      let at = 0;
      setInterval(() => {
        const lines = Array.from({ length: 20 }, () => ({ at: Date.now(), service: "api", release: "", replica: "r", stream: "stdout", text: "line " + at++ }));
        store.append({ scope, lines, positions: { r: String(at) } });
        process.stdout.write(Date.now() + " " + at + "\\n");
      }, 10);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program, folder]);
    const said: { at: number; count: number }[] = [];
    child.stdout.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n"))
        said.push({ at: Number(line.split(" ")[0]), count: Number(line.split(" ")[1]) });
    });
    await new Promise((resolve) => setTimeout(resolve, 3500));
    const killedAt = Date.now();
    child.kill("SIGKILL");
    await once(child, "close");
    const store = new FileLogStore({ folder });
    const kept = await allTexts(store);
    expect(kept).toEqual(kept.map((_, at) => `line ${at}`));
    expect(store.positions(scope)).toEqual({ r: String(kept.length) });
    const due = said.findLast(({ at }) => at < killedAt - 1200)?.count ?? Number.NaN;
    expect(kept.length).toBeGreaterThanOrEqual(due);
    await store.close();
  });

  it("goes on when the disk takes nothing, and says so", async () => {
    const problems: string[] = [];
    const store = new FileLogStore({ folder, onProblem: (message) => problems.push(message) });
    rmSync(join(folder), { recursive: true });
    writeFileSync(folder, "");
    store.append({ scope, lines: lines(["lost"]) });
    expect(problems.join()).toMatch(/could not be kept/);
    await store.close();
  });
});
