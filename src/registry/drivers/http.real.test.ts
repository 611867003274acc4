import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registryConformance } from "../conformance.ts";
import { captain, RealRegistry, registryMissing } from "../registry-support.ts";
import { imageStoreConformance } from "../store-conformance.ts";
import { HttpRegistry } from "./http.ts";

const noLogin = async () => undefined;
const amd64 = { os: "linux", architecture: "amd64" };
const ask = () => AbortSignal.timeout(20_000);

if (registryMissing !== undefined && process.env["CI"] !== "true") {
  describe("the distribution registry", () => {
    it.skip(`needs it: ${registryMissing}`, () => undefined);
  });
} else {
  suite();
}

function suite(): void {
  describe("the distribution registry on loopback", () => {
    let real: RealRegistry;
    let repositories = 0;
    const registry = new HttpRegistry({ loginOf: noLogin });
    beforeAll(async () => {
      real = await RealRegistry.start();
    });
    afterAll(async () => {
      await real?.stop();
    });

    registryConformance(() => {
      repositories += 1;
      const path = `acme/web-${repositories}`;
      return {
        registry,
        repository: `${real.host}/${path}`,
        push: (tag, text) => real.push(path, tag, text),
      };
    });

    imageStoreConformance(() => {
      repositories += 1;
      const repository = `${real.host}/acme/pushed-${repositories}`;
      return {
        store: registry,
        repository,
        other: `${repository}-other`,
        read: (name, digest) => real.blob(name.slice(real.host.length + 1), digest),
      };
    });

    it("follows the pages of a long list of tags", async () => {
      const tags = Array.from({ length: 120 }, (_, n) => `1.${n}.0`);
      await real.push("acme/many", "1.0.0", "one");
      const manifest = await fetch(`http://${real.host}/v2/acme/many/manifests/1.0.0`, {
        headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
      }).then((answer) => answer.text());
      for (const tag of tags)
        await real.put("acme/many", tag, "application/vnd.oci.image.manifest.v1+json", manifest);
      const small = new HttpRegistry({ loginOf: noLogin, pageSize: 50 });
      expect((await small.tags(`${real.host}/acme/many`, ask())).sort()).toEqual([...tags].sort());
    });

    it("chooses the platform of an index and keeps the index's digest (R-048)", async () => {
      const base = { "org.opencontainers.image.base.name": "docker.io/library/node:24-alpine" };
      const one = await real.push("acme/multi", "amd64", "for amd64", base);
      const type = "application/vnd.oci.image.index.v1+json";
      const entry = (architecture: string, digest: string) => ({
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest,
        size: 1,
        platform: { os: architecture === "unknown" ? "unknown" : "linux", architecture },
      });
      const two = await real.push("acme/multi", "arm64", "for arm64");
      const entries = [entry("unknown", two), entry("arm64", two), entry("amd64", one)];
      const index = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: entries });
      const digest = await real.put("acme/multi", "latest", type, index);
      const image = { repository: `${real.host}/acme/multi`, reference: "latest" };
      expect(await registry.digest(image, ask())).toBe(digest);
      expect(await registry.describe(image, amd64, ask())).toMatchObject({
        digest,
        platforms: ["linux/arm64", "linux/amd64"],
        createdAt: Date.parse("2026-03-01T12:00:00Z"),
        labels: { text: "for amd64" },
        base: { name: "docker.io/library/node:24-alpine" },
      });
    });

    it("says that nobody answers, and asks again once somebody does", async () => {
      const digest = await real.push("acme/away", "latest", "one");
      const image = { repository: `${real.host}/acme/away`, reference: "latest" };
      await real.pause();
      await expect(registry.digest(image, ask())).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
      await real.resume();
      expect(await registry.digest(image, ask())).toBe(digest);
    });
  });

  describe("a registry with logins", () => {
    let real: RealRegistry;
    beforeAll(async () => {
      real = await RealRegistry.start({ login: true });
    });
    afterAll(async () => {
      await real?.stop();
    });

    it("gets the login of its own host, and only that (R-060)", async () => {
      const asked: string[] = [];
      const registry = new HttpRegistry({
        loginOf: async (host) => {
          asked.push(host);
          return captain;
        },
      });
      const digest = await real.push("acme/web", "latest", "one");
      const image = { repository: `${real.host}/acme/web`, reference: "latest" };
      expect(await registry.digest(image, ask())).toBe(digest);
      expect(await registry.tags(image.repository, ask())).toEqual(["latest"]);
      expect(asked).toEqual([real.host]);
    });

    it("takes an image with the login of its host, and none without (R-060)", async () => {
      const repository = `${real.host}/acme/pushed`;
      const body = Buffer.alloc(6 * 1024 * 1024, "layer");
      const pieces = async function* () {
        yield body;
      };
      const known = new HttpRegistry({ loginOf: async () => captain });
      const { digest } = await known.putBlob(repository, pieces(), ask());
      expect(await known.hasBlob({ repository, digest }, ask())).toBe(true);
      const unknown = new HttpRegistry({ loginOf: noLogin });
      await expect(unknown.putBlob(repository, pieces(), ask())).rejects.toMatchObject({
        code: "REGISTRY_DENIED",
      });
    });

    it.each([
      ["none", undefined],
      ["a wrong one", { username: "captain", password: "hunter2" }],
    ])("is denied with %s, without saying it", async (_name, login) => {
      const registry = new HttpRegistry({ loginOf: async () => login });
      const image = { repository: `${real.host}/acme/web`, reference: "latest" };
      const error: unknown = await registry.digest(image, ask()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "REGISTRY_DENIED" });
      expect(String(error)).not.toContain("hunter2");
    });
  });
}
