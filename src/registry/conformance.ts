import { describe, expect, it } from "vitest";
import type { Registry } from "./port.ts";

/** What the suite needs of a registry behind a driver. */
export type RegistryTarget = {
  registry: Registry;
  /** A repository that nothing was pushed to yet, with its registry. */
  repository: string;
  /** Makes the tag point at an image with this text as its label `text`; answers its digest. */
  push(tag: string, text: string): Promise<string>;
};

const amd64 = { os: "linux", architecture: "amd64" };

/** What every driver guarantees. */
export function registryConformance(make: () => RegistryTarget | Promise<RegistryTarget>): void {
  describe("a registry", () => {
    const signal = AbortSignal.timeout(60_000);

    it("tells the digest that a tag points at now (R-048, R-151)", async () => {
      const { registry, repository, push } = await make();
      const one = await push("latest", "one");
      const ask = () => registry.digest({ repository, reference: "latest" }, signal);
      expect(await ask()).toBe(one);
      expect(await push("latest", "one"), "the same content has the same digest").toBe(one);
      expect(await ask()).toBe(one);
      const two = await push("latest", "two");
      expect(two).not.toBe(one);
      expect(await ask()).toBe(two);
      expect(await registry.digest({ repository, reference: one }, signal), "the old one is kept").toBe(one);
    });

    it("answers undefined and no tags for what does not exist", async () => {
      const { registry, repository, push } = await make();
      expect(await registry.tags(repository, signal)).toEqual([]);
      expect(await registry.digest({ repository, reference: "latest" }, signal)).toBeUndefined();
      await push("1.0.0", "one");
      expect(await registry.digest({ repository, reference: "2.0.0" }, signal)).toBeUndefined();
      expect(await registry.describe({ repository, reference: "2.0.0" }, amd64, signal)).toBeUndefined();
    });

    it("lists every tag (R-153)", async () => {
      const { registry, repository, push } = await make();
      const tags = ["1.0.0", "1.0.1", "1.1.0", "latest", "main-abc1234"];
      for (const tag of tags) await push(tag, tag);
      expect((await registry.tags(repository, signal)).sort()).toEqual(tags);
    });

    it("says what an image says about itself", async () => {
      const { registry, repository, push } = await make();
      const digest = await push("1.0.0", "hello");
      const facts = await registry.describe({ repository, reference: "1.0.0" }, amd64, signal);
      expect(facts).toMatchObject({ digest, labels: { text: "hello" } });
      expect(facts?.platforms).toContain("linux/amd64");
    });

    it("ends with its signal", async () => {
      const { registry, repository } = await make();
      const aborted = AbortSignal.abort(new Error("enough"));
      await expect(registry.tags(repository, aborted)).rejects.toThrow("enough");
    });
  });
}
