import { describe, expect, it } from "vitest";
import { MemoryRepository } from "../backup/drivers/memory.ts";
import { bestOf, readCatalogue } from "./catalogue.ts";

const signal = AbortSignal.timeout(10_000);
const lost = Date.UTC(2026, 10, 21, 15);

async function* text(content: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(content);
}

/** A copy of the shop's database with its proof, as a backup run leaves them. */
async function copy(repository: MemoryRepository, takenAt: number, verdict: string): Promise<string> {
  const of = { scope: "shop/production", source: "db", takenAt };
  const { id } = await repository.save({ ...of, kind: "postgres", labels: [] }, text("dump"), signal);
  const labels = [`of=${id}`, `verdict=${verdict}`];
  await repository.save({ ...of, kind: "manifest", labels }, text("{}"), signal);
  return id;
}

describe("what an empty host brings back (R-148)", () => {
  const best = async (repository: MemoryRepository, before?: number) => {
    const { data } = await readCatalogue(repository, signal, before);
    return bestOf(data.get("shop/production")?.get("db"))?.snapshot.id;
  };

  it("takes the newest that was proven, not a newer one that is bad", async () => {
    const repository = new MemoryRepository();
    await copy(repository, lost - 20_000, "verified");
    const good = await copy(repository, lost - 10_000, "verified");
    await copy(repository, lost - 5_000, "suspect");
    await copy(repository, lost - 1_000, "failed");
    expect(await best(repository)).toBe(good);
  });

  it("never takes what was copied after the loss: a stack that came back empty dumps as well as any other", async () => {
    const repository = new MemoryRepository();
    const good = await copy(repository, lost - 10_000, "verified");
    await copy(repository, lost + 60_000, "verified");
    expect(await best(repository, lost)).toBe(good);
  });

  it("brings back nothing where nothing is usable", async () => {
    const repository = new MemoryRepository();
    await copy(repository, lost - 10_000, "failed");
    expect(await best(repository, lost)).toBeUndefined();
  });
});
