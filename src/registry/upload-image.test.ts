import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sha256 } from "../lib/hash.ts";
import { inPieces, tar } from "../scan/archive-support.ts";
import { MemoryRegistry } from "./drivers/memory.ts";
import { rememberedLayers, savedImage } from "./store-conformance.ts";
import { uploadImage } from "./upload-image.ts";

const signal = AbortSignal.timeout(20_000);
const target = () => ({
  store: new MemoryRegistry(),
  repository: "registry.test/acme/web",
  known: rememberedLayers(),
  signal,
});

describe("pushing an image archive", () => {
  it("sends layers that are packed already as they are", async () => {
    const layer = gzipSync(tar({ file: "text" }));
    const path = `blobs/sha256/${sha256(layer)}`;
    const archive = tar({
      [path]: layer,
      "blobs/sha256/config": "{}",
      "manifest.json": JSON.stringify([{ Config: "blobs/sha256/config", Layers: [path] }]),
    });
    const image = await uploadImage(target(), inPieces(archive));
    const manifest = JSON.parse(Buffer.from(image.body).toString("utf8")) as { layers: unknown[] };
    expect(manifest.layers).toEqual([
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        digest: `sha256:${sha256(layer)}`,
        size: layer.length,
      },
    ]);
  });

  it.each([
    ["cut off", savedImage(["one"]).archive.subarray(0, 1200)],
    ["without a description", tar({ "blobs/sha256/config": "{}" })],
    ["without a layer", tar({ c: "{}", "manifest.json": '[{"Config":"c","Layers":["a/layer.tar"]}]' })],
    ["of two images", tar({ c: "{}", "manifest.json": '[{"Config":"c"},{"Config":"c"}]' })],
    ["without a configuration", tar({ "manifest.json": '[{"Config":"c","Layers":[]}]' })],
    ["that says nonsense", tar({ "manifest.json": "[{" })],
  ])("refuses an archive %s", async (_name, archive) => {
    await expect(uploadImage(target(), inPieces(archive))).rejects.toMatchObject({
      code: "REGISTRY_ARCHIVE_INVALID",
    });
  });

  it("takes an empty layer, and a layer that begins like a document", async () => {
    const empty = Buffer.alloc(1024);
    const odd = tar({ "{odd}": "text" });
    const path = (layer: Buffer) => `blobs/sha256/${sha256(layer)}`;
    const archive = tar({
      [path(empty)]: empty,
      [path(odd)]: odd,
      c: "{}",
      "manifest.json": JSON.stringify([{ Config: "c", Layers: [path(empty), path(odd)] }]),
    });
    expect(await uploadImage(target(), inPieces(archive))).toMatchObject({ layers: 2, reused: 0 });
  });
});
