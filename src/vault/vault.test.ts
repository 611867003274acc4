import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backupError } from "../backup/errors.ts";
import { hasCode } from "../lib/platform-error.ts";
import { sourceLease } from "./backup-run.ts";
import { shop, VaultStage } from "./vault-support.ts";

const hour = 3600_000;
const day = 24 * hour;

let stage: VaultStage;
beforeEach(async () => {
  stage = new VaultStage();
  await stage.addRepository();
  stage.vault.start();
  await stage.settle();
});
afterEach(() => stage.vault.stop());

const inRepository = async (kind: "postgres" | "manifest") =>
  (await stage.repository.list({})).filter((one) => one.kind === kind);

describe("a backup is what was restored and looked at (R-143, R-145)", () => {
  it("is verified when all that was in the source is in the restored copy", async () => {
    const run = await stage.backUp();
    expect(run).toMatchObject({ state: "done", verdict: "verified", attempt: 1, requestedBy: "ada" });
    expect(run.manifest?.parts).toEqual([
      { name: "users", rows: 1000 },
      { name: "orders", rows: 400 },
    ]);
    const [beside] = await inRepository("manifest");
    expect(beside?.labels).toContain(`of=${run.snapshot?.id}`);
    expect([stage.news, [...stage.keeper.places]]).toEqual([[], []]);
  });

  it("replays the emptied database: suspect, told, and the last good one kept past its retention", async () => {
    stage.backups = { keep: { last: 1, daily: 1, weekly: 0, monthly: 0 } };
    const good = await stage.backUp();
    stage.keeper.tables = {};
    for (let hours = 0; hours < 6; hours += 1) {
      stage.clock.advance(hour);
      expect(await stage.backUp()).toMatchObject({ verdict: "suspect" });
    }
    expect(stage.news.map(({ title, severity }) => `${severity} ${title}`)).toEqual(
      Array(6).fill("critical Backup suspect"),
    );
    expect(stage.news[0]?.text).toBe("db: nothing is left of 2 parts with 1400 rows");
    stage.clock.advance(30 * day);
    await stage.settle();
    expect(stage.vault.find(good.id).forgottenAt).toBeUndefined();
    expect(stage.vault.facts().suspect).toEqual([
      expect.objectContaining({ source: "db", value: 1, words: expect.stringContaining("nothing is left") }),
    ]);
    expect((await inRepository("postgres")).map(({ id }) => id)).toContain(good.snapshot?.id);
  });

  it("fails when the restored copy lacks a table, and when a byte of the snapshot turned over", async () => {
    stage.keeper.loses = "orders";
    expect(await stage.backUp()).toMatchObject({
      verdict: "failed",
      reasons: ["orders is missing in the restored copy"],
    });
    stage.keeper.loses = undefined;
    const good = await stage.backUp();
    expect(good.verdict).toBe("verified");
    stage.repository.damage(good.snapshot?.id ?? "");
    stage.vault.verifyAgain(good.id);
    await stage.settle();
    expect(stage.vault.find(good.id)).toMatchObject({ state: "done", verdict: "failed" });
    expect(stage.vault.find(good.id).reasons?.join()).toMatch(/could not be restored/);
  });

  it("removes what is past its retention, manifests included, and keeps what is pinned", async () => {
    stage.backups = { keep: { last: 2, daily: 0, weekly: 0, monthly: 0 } };
    const first = await stage.backUp();
    stage.vault.pin(first.id, "before the migration");
    for (let more = 0; more < 4; more += 1) {
      stage.clock.advance(day);
      await stage.settle();
      await stage.backUp();
    }
    const there = await inRepository("postgres");
    expect(there).toHaveLength(3);
    expect(there.map(({ id }) => id)).toContain(first.snapshot?.id);
    expect(await inRepository("manifest")).toHaveLength(3);
  });
});

describe("one at a time, and told when it cannot be made (R-134)", () => {
  it("refuses a second one of the same source with the reason", async () => {
    const [run] = stage.vault.request(shop, ["db"], { requestedBy: "ada", reason: "" });
    expect(() => stage.vault.request(shop, ["db"], { requestedBy: "bob", reason: "" })).toThrow(
      `db is being backed up already: ${run?.id}`,
    );
    await stage.settle();
    expect(await stage.backUp()).toMatchObject({ verdict: "verified" });
  });

  it("waits while somebody else holds the source", async () => {
    const { store, clock } = stage;
    store.leases.acquire(sourceLease(shop, "db"), "restore", hour, clock.now());
    expect(await stage.backUp()).toMatchObject({ state: "queued" });
    store.leases.release(sourceLease(shop, "db"), "restore");
    stage.clock.advance(30_000);
    await stage.settle();
    expect(stage.vault.runs.ofScope(shop)[0]).toMatchObject({ state: "done", verdict: "verified" });
  });

  it("names an unknown source, and says so when there is no repository", async () => {
    const by = { requestedBy: "ada", reason: "" };
    expect(() => stage.vault.request(shop, ["dp"], by)).toThrow("no source dp");
    const bare = new VaultStage();
    expect(() => bare.vault.request(shop, [], by)).toThrow("no repository");
    expect(bare.vault.plan(shop)).not.toHaveProperty("repository");
  });

  it("keeps no snapshot of a dump that broke, and tells of it", async () => {
    const dump = stage.keeper.dump.bind(stage.keeper);
    stage.keeper.dump = async () => {
      const { content } = await dump();
      const manifest = () => Promise.reject(backupError("BACKUP_SOURCE_FAILED", "pg_dump ended with 1"));
      return { content, manifest };
    };
    const run = await stage.backUp();
    expect(run).toMatchObject({ state: "failed", failure: { code: "BACKUP_SOURCE_FAILED" } });
    expect(run.verdict).toBeUndefined();
    expect(await stage.repository.list({})).toEqual([]);
    expect(stage.news.map(({ title }) => title)).toEqual(["Backup failed"]);
  });

  it("leaves a snapshot unverified, never verified, when the repository cannot be reached", async () => {
    stage.repository.read = () => {
      throw backupError("BACKUP_REPOSITORY_UNREACHABLE", "connection refused");
    };
    const run = await stage.backUp();
    expect(run).toMatchObject({ state: "done", verdict: "unverified" });
    expect(stage.news.map(({ title }) => title)).toEqual(["Backup unverified"]);
    expect(stage.vault.runs.lastVerified(shop, "db")).toBeUndefined();
  });
});

describe("the schedule (R-134, R-144)", () => {
  const made = () => stage.vault.runs.ofScope(shop).map(({ createdAt }) => new Date(createdAt).toISOString());
  const turn = async (ms: number, step = hour) => {
    for (let at = 0; at < ms; at += step) {
      stage.clock.advance(step);
      await stage.settle();
    }
  };

  const restartWith = async (backups: VaultStage["backups"]) => {
    await stage.vault.stop();
    stage.backups = backups;
    stage.open().start();
    await stage.settle();
  };

  it("runs at three, and makes up once for what was missed", async () => {
    await turn(15 * hour + 120_000, 60_000 * 30);
    expect(made()).toEqual([expect.stringMatching(/^2026-11-21T03:0/)]);
    await stage.vault.stop();
    stage.clock.advance(4 * day);
    stage.open().start();
    await stage.settle();
    expect(made()).toHaveLength(2);
    await turn(hour);
    expect(made()).toHaveLength(2);
  });

  it("is late by the hours since the last verified one, and no longer once there is one", async () => {
    await restartWith({ schedule: "0 3 1 * *" });
    const age = () => stage.vault.facts().age.map(({ value }) => Math.round(value));
    expect(age()).toEqual([0]);
    stage.clock.advance(26 * hour);
    expect(age()).toEqual([26]);
    await stage.backUp();
    expect(age()).toEqual([0]);
  });

  it("does nothing by itself when it is switched off", async () => {
    await restartWith({ schedule: false });
    await turn(3 * day, 6 * hour);
    expect(made()).toEqual([]);
    expect(stage.vault.facts()).toEqual({ age: [], suspect: [] });
  });
});

describe("the repositories", () => {
  it("are kept without their key, which is shown once", async () => {
    const { RepositoryBook } = await import("./repository-book.ts");
    const book = new RepositoryBook(stage.store, () => stage.repository);
    const wanted = {
      name: "s3",
      location: "s3:https://host/bucket",
      credentials: { AWS_SECRET_ACCESS_KEY: "x" },
    };
    const { key, setting } = await book.add(wanted, 5, AbortSignal.timeout(5_000));
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(book.key("s3")).toBe(key);
    expect(JSON.stringify(stage.store.records.list("backup-repositories"))).not.toContain(key);
    expect([setting.isDefault, book.chosen(undefined)?.name]).toEqual([false, "main"]);
    for (const location of ["relative", "s3:https://user:secret@host/bucket", "s3:https://host", "ftp://x/y"])
      await expect(
        book.add({ ...wanted, name: "x", location }, 5, AbortSignal.timeout(5_000)),
      ).rejects.toSatisfy((error) => hasCode(error, "VAULT_REPOSITORY_INVALID"));
  });
});
