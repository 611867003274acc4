import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inPieces } from "../../scan/archive-support.ts";
import { ownLogin } from "../own-login.ts";
import { freePort, registryMissing } from "../registry-support.ts";
import { rememberedLayers, savedImage } from "../store-conformance.ts";
import { uploadImage } from "../upload-image.ts";
import { DistributionServer } from "./distribution.ts";
import { HttpRegistry } from "./http.ts";

if (registryMissing !== undefined && process.env["CI"] !== "true") {
  describe("the registry that an installation runs", () => {
    it.skip(`needs it: ${registryMissing}`, () => undefined);
  });
} else {
  suite();
}

function suite(): void {
  describe("the registry that an installation runs", () => {
    let home: string;
    let port: number;
    let server: DistributionServer;
    const signal = AbortSignal.timeout(100_000);
    const make = () =>
      new DistributionServer({
        folder: join(home, "registry"),
        address: { host: "127.0.0.1", port },
        log: () => undefined,
      });
    const registry = () => new HttpRegistry({ loginOf: async (host) => await ownLogin(home, host) });

    beforeEach(async () => {
      home = mkdtempSync(join(tmpdir(), "roadstead-own-"));
      port = await freePort();
      server = make();
    });
    afterEach(async () => {
      await server.close();
      await server.end();
      rmSync(home, { recursive: true, force: true });
    });

    async function push(repository: string, text: string, tag: string): Promise<string> {
      const { archive } = savedImage([text]);
      const upload = { store: registry(), repository, known: rememberedLayers(), signal };
      const image = await uploadImage(upload, inPieces(archive));
      return await registry().putManifest({ repository, reference: tag }, image, signal);
    }

    it("starts, takes images from who has its password, and from nobody else (R-060)", async () => {
      await server.start(signal);
      const repository = `${server.host}/shop/web`;
      const digest = await push(repository, "one", "1.0.0");
      expect(await registry().digest({ repository, reference: "1.0.0" }, signal)).toBe(digest);
      const stranger = new HttpRegistry({ loginOf: async () => undefined });
      await expect(stranger.tags(repository, signal)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
      expect(await ownLogin(home, "127.0.0.1:1")).toBeUndefined();
      for (const name of ["password", "htpasswd", "config.yml"])
        expect(statSync(join(home, "registry", name)).mode & 0o077, name).toBe(0);
    });

    it("outlives who started it, and is found again", async () => {
      await server.start(signal);
      const pid = readFileSync(join(home, "registry", "pid"), "utf8");
      const digest = await push(`${server.host}/shop/web`, "one", "1.0.0");
      await server.close();
      const next = make();
      await next.start(signal);
      expect(readFileSync(join(home, "registry", "pid"), "utf8")).toBe(pid);
      const image = { repository: `${next.host}/shop/web`, reference: "1.0.0" };
      expect(await registry().digest(image, signal)).toBe(digest);
      await next.close();
    });

    it("keeps its images and its password when it was ended", async () => {
      await server.start(signal);
      const digest = await push(`${server.host}/shop/web`, "one", "1.0.0");
      await server.end();
      const image = { repository: `${server.host}/shop/web`, reference: "1.0.0" };
      await expect(registry().digest(image, signal)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
      await server.start(signal);
      expect(await registry().digest(image, signal)).toBe(digest);
    });

    it("frees the room of deleted images, and only theirs (R-060)", async () => {
      await server.start(signal);
      const repository = `${server.host}/shop/web`;
      const one = await push(repository, "one", "1.0.0");
      const two = await push(repository, "two", "1.0.1");
      const blobs = () =>
        readdirSync(join(home, "registry/data/docker/registry/v2/blobs/sha256"), { recursive: true }).filter(
          (name) => String(name).endsWith("data"),
        ).length;
      const before = blobs();
      expect(await registry().deleteManifest(repository, one, signal)).toBe(true);
      await server.collectGarbage(signal);
      expect(blobs()).toBe(before - 3);
      expect(await registry().digest({ repository, reference: "1.0.1" }, signal)).toBe(two);
      expect(await registry().tags(repository, signal)).toEqual(["1.0.1"]);
    });

    it("says who has its port, and doesn't take that for its own", async () => {
      const other = createServer((_request, response) => response.writeHead(404).end());
      await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
      try {
        await expect(server.start(signal)).rejects.toMatchObject({ code: "REGISTRY_START_FAILED" });
      } finally {
        other.close();
      }
    });

    it("listens on loopback only", () => {
      const address = { host: "0.0.0.0", port };
      const open = () => new DistributionServer({ folder: home, address, log: () => undefined });
      expect(open).toThrowError(expect.objectContaining({ code: "REGISTRY_INSECURE" }));
    });
  });
}
