import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../lib/manual-clock.ts";
import { MemoryRegistry } from "../registry/drivers/memory.ts";
import { savedImage } from "../registry/store-conformance.ts";
import { inPieces } from "../scan/archive-support.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { Publisher, type PublishRequest } from "./publisher.ts";
import { RegistryKeeper } from "./registry-keeper.ts";

const repository = "registry.test/acme/web";
const signal = AbortSignal.timeout(20_000);
const scope = { stack: "shop", environment: "production" };

let registry: MemoryRegistry;
let clock: ManualClock;
let store: ReturnType<typeof createMemoryStore>;
let publisher: Publisher;
const lines: string[] = [];

beforeEach(() => {
  registry = new MemoryRegistry();
  clock = new ManualClock();
  store = createMemoryStore();
  lines.length = 0;
  // The digest of an image is its text here.
  const exportImage = async ({ digest }: { digest: string }) =>
    inPieces(savedImage(["base", digest]).archive);
  publisher = new Publisher({ store, registry, clock, runtime: { name: "memory", exportImage } });
});

function push(text: string, more: Partial<PublishRequest> = {}) {
  const image = { digest: text, reference: repository };
  const usual = { scope, service: "web", repository, versions: [], aliases: [], by: "ada", reason: "" };
  return publisher.publish({ ...usual, image, ...more }, (line) => void lines.push(line), signal);
}

const at = (reference: string) => registry.digest({ repository, reference }, signal);

describe("pushing built images", () => {
  it("keeps both versions and moves the alias with its history (R-052)", async () => {
    const one = await push("one", { versions: ["1.0.0"], aliases: ["latest"] });
    const two = await push("two", { versions: ["1.0.1"], aliases: ["latest"], by: "bob" });
    expect(await at("1.0.0")).toBe(one?.digest);
    expect(await at("1.0.1")).toBe(two?.digest);
    expect(await at("latest")).toBe(two?.digest);
    expect(two).toMatchObject({ layers: 2, reused: 1 });
    expect(publisher.book.get(repository, "latest")?.history).toEqual([
      { at: clock.now(), by: "ada", reason: "", to: one?.digest },
      { at: clock.now(), by: "bob", reason: "", from: one?.digest, to: two?.digest },
    ]);
  });

  it("refuses another image under a version tag, whoever put it there (R-052)", async () => {
    const one = await push("one", { versions: ["1.0.0"] });
    await expect(push("two", { versions: ["1.0.0"], aliases: ["latest"] })).rejects.toMatchObject({
      code: "REGISTRY_TAG_TAKEN",
      message: expect.stringContaining(`${repository}:1.0.0`),
    });
    expect(await at("1.0.0")).toBe(one?.digest);
    expect(await at("latest"), "nothing else was moved").toBeUndefined();
    registry.push(repository, "2.0.0", { digest: `sha256:${"f".repeat(64)}` });
    await expect(push("two", { versions: ["2.0.0"] })).rejects.toMatchObject({ code: "REGISTRY_TAG_TAKEN" });
  });

  it("is done when the version tag has this image already", async () => {
    const one = await push("one", { versions: ["1.0.0"], aliases: ["latest"] });
    const again = await push("one", { versions: ["1.0.0"], aliases: ["latest"] });
    expect(again?.digest).toBe(one?.digest);
    expect(again).toMatchObject({ reused: 2, sentBytes: 0 });
    expect(publisher.book.get(repository, "latest")?.history).toHaveLength(1);
  });

  it("names each build after its commit, a second one of the same commit apart (R-048)", async () => {
    const build = { ref: "feature/cart", commit: "abc1234def" };
    expect((await push("one", { build }))?.versions).toEqual(["feature-cart-abc1234"]);
    expect((await push("one", { build }))?.versions).toEqual(["feature-cart-abc1234"]);
    expect((await push("two", { build }))?.versions).toEqual(["r2-feature-cart-abc1234"]);
  });

  it("says in the history who else has moved an alias", async () => {
    await push("one", { aliases: ["latest"] });
    const foreign = `sha256:${"e".repeat(64)}`;
    registry.push(repository, "latest", { digest: foreign });
    const two = await push("two", { aliases: ["latest"] });
    expect(publisher.book.get(repository, "latest")?.history.at(-1)).toMatchObject({
      from: foreign,
      to: two?.digest,
    });
  });

  it("lets only one push at a time take a tag", async () => {
    const outcomes = await Promise.allSettled([
      push("one", { versions: ["1.0.0"] }),
      push("two", { versions: ["1.0.0"] }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it("pushes nothing while somebody wants to be alone, and everything afterwards", async () => {
    const order: string[] = [];
    let leave: () => void = () => undefined;
    const first = push("one", { versions: ["1.0.0"] }).then(() => order.push("first push"));
    const alone = publisher.alone(async () => {
      order.push("alone");
      await new Promise<void>((resolve) => {
        leave = resolve;
      });
      order.push("left");
    });
    const second = push("two", { versions: ["1.0.1"] }).then(() => order.push("second push"));
    await first;
    await expect.poll(() => order).toContain("alone");
    leave();
    await Promise.all([alone, second]);
    expect(order).toEqual(["first push", "alone", "left", "second push"]);
  });

  it("answers nothing where images have no layers", async () => {
    const without = new Publisher({ store, registry, clock, runtime: { name: "process" } });
    const image = { digest: "one", reference: repository };
    const request = {
      scope,
      service: "web",
      repository,
      image,
      versions: [],
      aliases: [],
      by: "",
      reason: "",
    };
    expect(await without.publish(request, () => undefined, signal)).toBeUndefined();
  });
});

describe("retention of our own registry (R-060)", () => {
  const host = "registry.test";
  const collected: string[] = [];
  const keeper = () =>
    new RegistryKeeper({
      store,
      registry,
      clock,
      log: () => undefined,
      own: { host, collectGarbage: async () => void collected.push("done") },
    });

  it("removes what nothing needs, and what was pushed by others never", async () => {
    collected.length = 0;
    for (const [index, text] of ["one", "two", "three"].entries()) {
      await push(text, { versions: [`1.0.${index}`], aliases: ["latest"] });
      await clock.advance(1000);
    }
    const first = await at("1.0.0");
    const second = await at("1.0.1");
    registry.push(repository, "by-hand", { digest: first ?? "" });
    const foreign = `sha256:${"f".repeat(64)}`;
    registry.push("registry.test/others/app", "1.0.0", { digest: foreign });
    const gone = await keeper().prune(signal, 1);
    expect(gone).toEqual([{ repository, digest: second, tags: ["1.0.1"], keeping: "removable" }]);
    expect(await at("1.0.1")).toBeUndefined();
    expect(await at("1.0.0"), "somebody's own tag names it").toBe(first);
    expect(await at("latest")).toBe(await at("1.0.2"));
    expect(await registry.tags("registry.test/others/app", signal)).toEqual(["1.0.0"]);
    expect(publisher.book.get(repository, "1.0.1")).toBeUndefined();
    expect(collected).toEqual(["done"]);
  });

  it("never looks at another registry", async () => {
    await push("one", { versions: ["1.0.0"] });
    const other = new RegistryKeeper({
      store,
      registry,
      clock,
      log: () => undefined,
      own: { host: "127.0.0.1:5500", collectGarbage: async () => undefined },
    });
    expect(other.list(0)).toEqual([]);
    expect(await other.prune(signal, 0)).toEqual([]);
    expect(await at("1.0.0")).toBeDefined();
  });
});
