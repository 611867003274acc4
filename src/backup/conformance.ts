import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasCode } from "../lib/platform-error.ts";
import type { NewSnapshot, Repository } from "./port.ts";

/** A place of its own for each test. */
export type RepositoryStage = {
  repository: Repository;
  /** A second opening of the same place, as after a restart; absent where nothing outlives the process. */
  again?: (key?: "own" | "other") => Repository;
  /** Turns over one byte of what is stored, or cuts a file at 60 %; absent: cannot be done. */
  damage?: (how: "flip" | "truncate", id: string) => Promise<void>;
  close: () => Promise<void>;
};

const signal = AbortSignal.timeout(600_000);
const one: NewSnapshot = {
  scope: "shop/production",
  source: "db",
  kind: "postgres",
  takenAt: Date.UTC(2026, 10, 21, 3, 0, 0, 123),
  labels: ["release=v12"],
};

async function* chunks(...parts: (string | Uint8Array)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? Buffer.from(part) : part;
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of content) found.push(chunk);
  return Buffer.concat(found);
}

/** Bytes that neither compress nor repeat. */
function noise(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** What every repository must do. */
export function repositoryConformance(name: string, open: () => Promise<RepositoryStage>): void {
  describe(`repository ${name}`, () => {
    let stage: RepositoryStage;
    beforeEach(async () => {
      stage = await open();
      await stage.repository.open(signal);
    });
    afterEach(() => stage.close());

    it("gives back what was saved, byte for byte, and tells what it is", async () => {
      const content = noise(3_000_000);
      const stored = await stage.repository.save(
        one,
        chunks(content.subarray(0, 1000), content.subarray(1000)),
        signal,
      );
      expect(stored).toMatchObject({ ...one, sizeBytes: content.byteLength });
      expect((await whole(stage.repository.read(stored.id, signal))).equals(content)).toBe(true);
      const [listed] = await stage.repository.list({}, signal);
      expect(listed).toMatchObject({ ...one, id: stored.id, sizeBytes: content.byteLength });
      expect(await stage.repository.size(signal)).toBeGreaterThan(0);
      expect(await stage.repository.check({ readData: true }, signal)).toEqual([]);
    });

    it("lists by scope, source and kind, newest first", async () => {
      const save = (change: Partial<NewSnapshot>, text: string) =>
        stage.repository.save({ ...one, ...change }, chunks(text), signal);
      const old = await save({ takenAt: one.takenAt - 1000 }, "old");
      const young = await save({}, "young");
      const other = await save({ source: "uploads", kind: "volume" }, "files");
      await save({ scope: "blog/production" }, "blog");
      const ids = async (filter: Parameters<Repository["list"]>[0]) =>
        (await stage.repository.list(filter, signal)).map(({ id }) => id);
      expect(await ids({ scope: one.scope, source: "db" })).toEqual([young.id, old.id]);
      expect(await ids({ scope: one.scope, kind: "volume" })).toEqual([other.id]);
      expect(await ids({ scope: "nobody/production" })).toEqual([]);
    });

    it("takes several snapshots at once", async () => {
      const save = (source: string) =>
        stage.repository.save({ ...one, source }, chunks(noise(400_000, source.length)), signal);
      const stored = await Promise.all(["a", "bb", "ccc"].map(save));
      await Promise.all([stage.repository.forget([stored[0]?.id ?? ""], signal), save("dddd")]);
      const sources = (await stage.repository.list({}, signal)).map(({ source }) => source);
      expect(sources.sort()).toEqual(["bb", "ccc", "dddd"]);
    });

    it("shows nothing of a stream that failed", async () => {
      async function* failing(): AsyncIterable<Uint8Array> {
        yield noise(500_000);
        throw new Error("the dump broke");
      }
      await expect(stage.repository.save(one, failing(), signal)).rejects.toThrow("the dump broke");
      expect(await stage.repository.list({}, signal)).toEqual([]);
    });

    it("shows nothing of a stream that was stopped", async () => {
      const stop = new AbortController();
      async function* endless(): AsyncIterable<Uint8Array> {
        for (let at = 1; ; at += 1) {
          yield noise(100_000, at);
          if (at === 3) stop.abort(new Error("stopped by the operator"));
        }
      }
      await expect(stage.repository.save(one, endless(), stop.signal)).rejects.toThrow(
        "stopped by the operator",
      );
      expect(await stage.repository.list({}, signal)).toEqual([]);
      await stage.repository.save(one, chunks("next"), signal);
      expect(await stage.repository.list({}, signal)).toHaveLength(1);
    });

    it("forgets what it is told and keeps the rest", async () => {
      const gone = await stage.repository.save(one, chunks(noise(300_000)), signal);
      const kept = await stage.repository.save(
        { ...one, takenAt: one.takenAt + 1 },
        chunks(noise(300_000, 7)),
        signal,
      );
      await stage.repository.forget([gone.id, "0123456789abcdef"], signal);
      expect((await stage.repository.list({}, signal)).map(({ id }) => id)).toEqual([kept.id]);
      expect((await whole(stage.repository.read(kept.id, signal))).byteLength).toBe(300_000);
      await expect(whole(stage.repository.read(gone.id, signal))).rejects.toSatisfy((error) =>
        hasCode(error, "BACKUP_SNAPSHOT_MISSING"),
      );
      await stage.repository.forget([gone.id], signal);
    });

    it("is found again by its own key, and by no other (R-282)", async () => {
      if (!stage.again) return;
      const stored = await stage.repository.save(one, chunks("kept"), signal);
      const again = stage.again("own");
      await again.open(signal);
      expect((await whole(again.read(stored.id, signal))).toString()).toBe("kept");
      await again.open(signal, { mustExist: true });
      await expect(stage.again("other").open(signal)).rejects.toSatisfy((error) =>
        hasCode(error, "BACKUP_REPOSITORY_KEY"),
      );
    });

    it.each(["flip", "truncate"] as const)("never gives back damaged content: %s", async (how) => {
      if (!stage.damage) return;
      const content = noise(2_000_000);
      const stored = await stage.repository.save(one, chunks(content), signal);
      await stage.damage(how, stored.id);
      // A cut file shows in the structure; restic tries three quarters of a minute to read one.
      const readData = how === "flip";
      expect(await stage.repository.check({ readData }, signal)).not.toEqual([]);
      if (readData) await expect(whole(stage.repository.read(stored.id, signal))).rejects.toThrow();
    });
  });
}
