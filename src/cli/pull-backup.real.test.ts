import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BackupView } from "../api/contract/backups.ts";
import { createClient } from "../api/contract/client.ts";
import { pullBackup } from "./pull-backup.ts";

const content = Buffer.from("rows and rows ".repeat(500));
const sha256 = createHash("sha256").update(content).digest("hex");
const signal = AbortSignal.timeout(60_000);
const run = {
  id: "backup_1",
  scope: { stack: "shop", environment: "production" },
  source: "db",
  kind: "postgres",
  snapshot: { id: "abc", takenAt: Date.UTC(2026, 10, 21, 3), sizeBytes: content.byteLength, sha256 },
} as BackupView;

let folder: string;
let asked: string[];
/** What the server says, in pieces of the contract's stream. */
let items: unknown[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "roadstead-pull-"));
  asked = [];
  items = [
    { bytes: content.subarray(0, 1000).toString("base64") },
    { bytes: content.subarray(1000).toString("base64") },
    { end: { sizeBytes: content.byteLength, sha256 } },
  ];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const client = createClient({
  baseUrl: "http://control.test",
  fetch: async (url) => {
    asked.push(String(url));
    return new Response(items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  },
});

describe("backup pull (R-136)", () => {
  it("brings a snapshot as a plain file, once, and again when the local copy is damaged", async () => {
    const first = await pullBackup(client, run, folder, signal);
    expect(first).toMatchObject({ transferred: true, sizeBytes: content.byteLength });
    expect(first.path).toMatch(/shop\/production\/db\/2026-11-21T030000Z-backup_1\.dump$/);
    expect((await readFile(first.path)).equals(content)).toBe(true);
    expect(await pullBackup(client, run, folder, signal)).toMatchObject({ transferred: false });
    expect(asked).toHaveLength(1);
    await writeFile(first.path, content.subarray(1));
    expect(await pullBackup(client, run, folder, signal)).toMatchObject({ transferred: true });
    expect((await readFile(first.path)).equals(content)).toBe(true);
  });

  it.each([
    ["breaks off", () => items.slice(0, 2), "broke off"],
    ["comes with other bytes", () => [{ bytes: "AAAA" }, ...items], "other bytes"],
  ])("leaves no file behind when the transfer %s", async (_what, change, message) => {
    items = change();
    await expect(pullBackup(client, run, folder, signal)).rejects.toThrow(message);
    const left = await readdir(dirname(join(folder, "shop/production/db/x")));
    expect(left).toEqual([]);
  });
});
