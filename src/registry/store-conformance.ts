import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sha256 } from "../lib/hash.ts";
import { inPieces, tar } from "../scan/archive-support.ts";
import type { ImageStore, StoredBlob } from "./port.ts";
import { type KnownLayers, uploadImage } from "./upload-image.ts";

export type StoreTarget = {
  store: ImageStore;
  /** Two repositories of one registry that nothing was pushed to yet. */
  repository: string;
  other: string;
  /** The content of a blob, where the target can show it. */
  read?: (repository: string, digest: string) => Promise<Buffer>;
};

const type = "application/vnd.oci.image.manifest.v1+json";

/** An archive like the engine's: layers are named after their content. */
export function savedImage(texts: readonly string[], labels: Record<string, string> = {}) {
  const layers = texts.map((text) => tar({ "app/file": text }));
  const path = (content: string | Buffer) => `blobs/sha256/${sha256(content)}`;
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: { Labels: labels },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  });
  const archive = tar({
    ...Object.fromEntries(layers.map((layer) => [path(layer), layer])),
    [path(config)]: config,
    "index.json": JSON.stringify({ schemaVersion: 2, manifests: [] }),
    "manifest.json": JSON.stringify([{ Config: path(config), Layers: layers.map(path) }]),
    "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
  });
  return { archive, layers, config };
}

export function rememberedLayers(): KnownLayers & { size: () => number } {
  const known = new Map<string, StoredBlob & { repository: string }>();
  return {
    get: (name) => known.get(name),
    add: (name, layer) => void known.set(name, layer),
    size: () => known.size,
  };
}

/** What every driver that takes images guarantees. */
export function imageStoreConformance(make: () => StoreTarget | Promise<StoreTarget>): void {
  describe("an image store", () => {
    const signal = AbortSignal.timeout(60_000);

    it("takes a blob of many pieces as a stream, and says its digest (R-060)", async () => {
      const { store, repository, read } = await make();
      const body = Buffer.alloc(12 * 1024 * 1024 + 17, "roadstead ");
      const stored = await store.putBlob(repository, inPieces(body, 700_001), signal);
      expect(stored).toEqual({ digest: `sha256:${sha256(body)}`, size: body.length });
      expect(await store.hasBlob({ repository, digest: stored.digest }, signal)).toBe(true);
      if (read) expect((await read(repository, stored.digest)).equals(body)).toBe(true);
    });

    it("takes an empty blob, and one of exactly one piece", async () => {
      const { store, repository } = await make();
      for (const size of [0, 5 * 1024 * 1024]) {
        const body = Buffer.alloc(size, 7);
        const stored = await store.putBlob(repository, inPieces(body, 65_536), signal);
        expect(stored).toEqual({ digest: `sha256:${sha256(body)}`, size });
        expect(await store.hasBlob({ repository, digest: stored.digest }, signal)).toBe(true);
      }
    });

    it("does not have what nobody put there", async () => {
      const { store, repository, other } = await make();
      const digest = `sha256:${"0".repeat(64)}`;
      expect(await store.hasBlob({ repository, digest }, signal)).toBe(false);
      expect(await store.mountBlob({ repository, digest }, other, signal)).toBe(false);
      expect(await store.manifest({ repository, reference: "latest" }, signal)).toBeUndefined();
      expect(await store.deleteManifest(repository, digest, signal)).toBe(false);
    });

    it("puts a saved image under its digest, then under a tag, and gives it back (R-052, R-060)", async () => {
      const { store, repository, read } = await make();
      const { archive, layers } = savedImage(["one", "two"], { text: "hello" });
      const known = rememberedLayers();
      const image = await uploadImage({ store, repository, known, signal }, inPieces(archive));
      expect(image).toMatchObject({ layers: 2, reused: 0, mediaType: type });
      const digest = `sha256:${sha256(image.body)}`;
      expect(await store.putManifest({ repository, reference: digest }, image, signal)).toBe(digest);
      expect(await store.putManifest({ repository, reference: "1.0.0" }, image, signal)).toBe(digest);
      expect(await store.digest({ repository, reference: "1.0.0" }, signal)).toBe(digest);
      const back = await store.manifest({ repository, reference: "1.0.0" }, signal);
      expect(back).toMatchObject({ digest, mediaType: type });
      expect(Buffer.from(back?.body ?? []).equals(Buffer.from(image.body))).toBe(true);
      const manifest = JSON.parse(Buffer.from(image.body).toString("utf8")) as {
        layers: { digest: string }[];
      };
      if (read)
        for (const [index, layer] of layers.entries()) {
          const stored = manifest.layers[index]?.digest ?? "";
          expect(gunzipSync(await read(repository, stored)).equals(layer)).toBe(true);
        }
    });

    it("sends no layer twice, also to another repository, and gets the same digest (R-060)", async () => {
      const { store, repository, other } = await make();
      const known = rememberedLayers();
      const first = savedImage(["base", "app 1"]);
      const one = await uploadImage({ store, repository, known, signal }, inPieces(first.archive));
      const again = await uploadImage({ store, repository, known, signal }, inPieces(first.archive));
      expect(again).toMatchObject({ layers: 2, reused: 2, sentBytes: 0 });
      expect(Buffer.from(again.body)).toEqual(Buffer.from(one.body));
      const forgotten = { store, repository, known: rememberedLayers(), signal };
      const anew = await uploadImage(forgotten, inPieces(first.archive));
      expect(Buffer.from(anew.body), "packing is the same every time").toEqual(Buffer.from(one.body));
      const next = savedImage(["base", "app 2"]);
      const moved = { store, repository: other, known, signal };
      expect(await uploadImage(moved, inPieces(next.archive))).toMatchObject({ layers: 2, reused: 1 });
      expect(known.size()).toBe(3);
    });

    it("moves a tag and keeps what it pointed at, until that is deleted", async () => {
      const { store, repository } = await make();
      const known = rememberedLayers();
      const push = async (text: string) => {
        const { archive } = savedImage([text]);
        const image = await uploadImage({ store, repository, known, signal }, inPieces(archive));
        return await store.putManifest({ repository, reference: "latest" }, image, signal);
      };
      const [one, two] = [await push("one"), await push("two")];
      expect(await store.digest({ repository, reference: "latest" }, signal)).toBe(two);
      expect(await store.digest({ repository, reference: one }, signal)).toBe(one);
      expect(await store.deleteManifest(repository, one, signal)).toBe(true);
      expect(await store.digest({ repository, reference: one }, signal)).toBeUndefined();
      expect(await store.digest({ repository, reference: "latest" }, signal)).toBe(two);
    });

    it("refuses a manifest under a digest that is not its own", async () => {
      const { store, repository } = await make();
      const manifest = { mediaType: type, body: Buffer.from('{"schemaVersion":2}') };
      const reference = `sha256:${"0".repeat(64)}`;
      await expect(store.putManifest({ repository, reference }, manifest, signal)).rejects.toMatchObject({
        code: "REGISTRY_ANSWER_INVALID",
      });
    });
  });
}
