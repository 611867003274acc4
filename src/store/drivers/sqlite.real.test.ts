import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import type { DeploymentId } from "../../rollout/ids.ts";
import { aDeployment } from "../store-support.ts";
import { createSqliteStore } from "./sqlite.ts";
import { readOrCreateKey } from "./sqlite-key.ts";

const root = mkdtempSync(join(tmpdir(), "roadstead-store-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(root, { recursive: true });
});

/** Another process with the same database open as `store`; its output line by line. */
function inProcess(path: string, code: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const prelude = `
    const { createSqliteStore } = await import(${JSON.stringify(join(import.meta.dirname, "sqlite.ts"))});
    const { readOrCreateKey } = await import(${JSON.stringify(join(import.meta.dirname, "sqlite-key.ts"))});
    const { writeSync } = await import("node:fs");
    const say = (text) => writeSync(1, text + "\\n");
    const store = createSqliteStore({ path: ${JSON.stringify(path)}, key: readOrCreateKey(${JSON.stringify(join(root, "key"))}), busyTimeoutMs: 10000 });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", prelude + code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  if (!child.stdout) throw new Error("no output");
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

function open(path: string) {
  return createSqliteStore({ path, key: readOrCreateKey(join(root, "key")) });
}

describe("sqlite across processes", () => {
  it("keeps every change that a call returned from when the process is killed with SIGKILL", async () => {
    const path = join(root, "killed.db");
    const setUp = open(path);
    setUp.deployments.create(aDeployment("d"));
    setUp.close();
    const { child, lines } = inProcess(
      path,
      `for (;;) {
        const { seq } = store.transaction(() => {
          store.deployments.append({ deployment: "d", at: 1, event: "output", key: "k", line: "x" });
          return store.audit.append({ at: 1, actor: "a", action: "b", target: "c", detail: {} });
        });
        const line = store.deployments.append({ deployment: "d", at: 1, event: "output", key: "k", line: "y" });
        say(seq + " " + line.seq);
      }`,
    );
    let last = "";
    for (let n = 0; n < 100; n += 1) last = (await lines.next()).value ?? "";
    child.kill("SIGKILL");
    for (let line = await lines.next(); !line.done; line = await lines.next()) last = line.value;
    const [audited, written] = last.split(" ").map(Number);
    const store = open(path);
    expect(store.audit.verify()).toBeUndefined();
    const entries = store.audit.list(1)[0]?.seq ?? 0;
    expect(entries).toBeGreaterThanOrEqual(audited ?? Number.NaN);
    const journal = store.deployments.journal("d" as DeploymentId, 0);
    expect(journal.at(-1)?.seq).toBeGreaterThanOrEqual(written ?? Number.NaN);
    // A journal line and its audit entry were one transaction: neither is there without the other.
    expect(journal.filter((e) => e.event === "output" && e.line === "x")).toHaveLength(entries);
    store.close();
  });

  it("gives a lease to one of several processes, and edge versions to none twice", async () => {
    const path = join(root, "leases.db");
    open(path).close();
    const racers = Array.from({ length: 4 }, (_, n) =>
      inProcess(
        path,
        `let won = 0;
        for (let n = 0; n < 25; n += 1) won += store.leases.acquire("lease " + n, "holder ${n}", 60000, 0) ? 1 : 0;
        say(won + " " + Array.from({ length: 25 }, () => store.scopes.nextEdgeVersion()).join(","));`,
      ),
    );
    const answers = await Promise.all(
      racers.map(async ({ child, lines }) => {
        const exited = once(child, "exit");
        const { value } = await lines.next();
        expect((await exited)[0]).toBe(0);
        return String(value).split(" ");
      }),
    );
    expect(answers.reduce((sum, [won]) => sum + Number(won), 0)).toBe(25);
    const versions = answers.flatMap(([, list]) => list?.split(",") ?? []);
    expect(new Set(versions).size).toBe(100);
  });
});
