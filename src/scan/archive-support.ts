/** Image archives in the form that `docker save` writes them, from files given by name. */

import { gzipSync } from "node:zlib";

export type Layer = Readonly<Record<string, string>>;

export function tar(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const entries = Object.entries(files).flatMap(([name, content]) => {
    const body = Buffer.from(content);
    const long = Buffer.byteLength(name) > 100;
    const head = long
      ? [header("././@LongLink", Buffer.byteLength(name), "L"), padded(Buffer.from(name))]
      : [];
    return [...head, header(name.slice(0, 100), body.length, "0"), padded(body)];
  });
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

export type ArchiveOptions = { env?: readonly string[]; history?: readonly string[]; gzip?: boolean };

export function imageArchive(layers: readonly Layer[], options: ArchiveOptions = {}): Buffer {
  const named = layers.map((layer, index) => {
    const plain = tar(layer);
    return [`blobs/sha256/layer${index}`, options.gzip ? gzipSync(plain) : plain] as const;
  });
  const config = {
    config: { Env: options.env ?? [] },
    history: (options.history ?? []).map((text) => ({ created_by: text })),
  };
  const manifest = [{ Config: "blobs/sha256/config", Layers: named.map(([name]) => name) }];
  return tar({
    ...Object.fromEntries(named),
    "blobs/sha256/config": JSON.stringify(config),
    "manifest.json": JSON.stringify(manifest),
  });
}

/** In pieces of a length that fits no block. */
export async function* inPieces(bytes: Buffer, length = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function header(name: string, size: number, flag: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write("0000644\0", 100);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write(flag, 156);
  block.write("ustar\x0000", 257);
  return block;
}

function padded(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
