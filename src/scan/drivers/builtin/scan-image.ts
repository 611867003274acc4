import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FileFinding, SecretFinding } from "../../../policy/scan-findings.ts";
import { scanError } from "../../errors.ts";
import type { ImageReport } from "../../port.ts";
import { isBuildTool, isDotEnv, isSystemFile, isVendored } from "./paths.ts";
import { readTar, type TarEntry } from "./read-tar.ts";
import { findingsIn, maxTextBytes, textOf } from "./scan-folder.ts";
import { scanText } from "./scan-text.ts";

const maxJsonBytes = 4 * 1024 * 1024;
/** Text looked at in one image; beyond it the report says so. */
const maxScannedBytes = 512 * 1024 * 1024;
const maxEntries = 2_000_000;
const maxFindings = 500;

type Layer = {
  bytes: number;
  secrets: SecretFinding[];
  /** Path -> what stands there; a `.wh.` entry of a later layer takes it away again. */
  files: Map<string, FileFinding["rule"]>;
  gone: string[];
};

type Manifest = readonly { Config: string; Layers: readonly string[] }[];
type ImageConfig = {
  config?: { Env?: readonly string[] };
  history?: readonly { created_by?: string }[];
};

/**
 * Every layer of an image. A secret in a layer is found even when a later layer removes its file: whoever pulls the
 * image has it. Build tools count where they are still there at the end.
 */
export async function scanImage(
  image: string,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<ImageReport> {
  const look = new ImageLook(image, signal);
  for await (const entry of readTar(archive)) {
    signal.throwIfAborted();
    if (entry.type === "file" && entry.size > 0) await look.take(entry);
  }
  return look.report();
}

class ImageLook {
  readonly #image: string;
  readonly #signal: AbortSignal;
  readonly #layers = new Map<string, Layer>();
  readonly #texts = new Map<string, string>();
  readonly #gaps = new Set<string>();
  #scanned = 0;
  #entries = 0;

  constructor(image: string, signal: AbortSignal) {
    this.#image = image;
    this.#signal = signal;
  }

  async take(entry: TarEntry): Promise<void> {
    const { first, all } = await peek(entry.content);
    if (first[0] === 0x1f && first[1] === 0x8b) {
      this.#layers.set(entry.path, await this.#packedLayer(all));
    } else if (Buffer.from(first.subarray(257, 262)).toString("latin1") === "ustar") {
      this.#layers.set(entry.path, await this.#layer(all));
    } else if (first[0] === 0x28 && first[1] === 0xb5) {
      this.#gaps.add("layers packed with zstd are not looked into");
    } else if (entry.size <= maxJsonBytes) {
      this.#texts.set(entry.path, (await collect(all, maxJsonBytes)).toString("utf8"));
    }
  }

  /** Read to its very end: the unpacking reads ahead in the archive that the next entry comes from. */
  async #packedLayer(content: AsyncIterable<Uint8Array>): Promise<Layer> {
    const unpacked = Readable.from(content).compose(createGunzip()) as AsyncIterable<Uint8Array>;
    const pieces = unpacked[Symbol.asyncIterator]();
    const layer = await this.#layer({ [Symbol.asyncIterator]: () => pieces });
    for (let next = await pieces.next(); !next.done; next = await pieces.next());
    return layer;
  }

  async #layer(content: AsyncIterable<Uint8Array>): Promise<Layer> {
    const layer: Layer = { bytes: 0, secrets: [], files: new Map(), gone: [] };
    for await (const entry of readTar(content)) {
      this.#signal.throwIfAborted();
      this.#entries += 1;
      if (this.#entries > maxEntries) throw scanError("SCAN_ARCHIVE_BROKEN", `more than ${maxEntries} files`);
      layer.bytes += entry.size;
      const name = entry.path.slice(entry.path.lastIndexOf("/") + 1);
      if (name.startsWith(".wh.")) layer.gone.push(removedBy(entry.path, name));
      else if (entry.type !== "other") await this.#file(entry, layer);
    }
    return layer;
  }

  async #file(entry: TarEntry, layer: Layer): Promise<void> {
    const { path } = entry;
    if (isBuildTool(path)) layer.files.set(path, "build-tool");
    if (entry.type !== "file" || isSystemFile(path)) return;
    if (isDotEnv(path) && entry.size > 0) layer.files.set(path, "env-file");
    if (this.#scanned + entry.size > maxScannedBytes) {
      this.#gaps.add(`only the first ${maxScannedBytes / 1024 / 1024} MiB of text`);
      return;
    }
    const beginning = await collect(entry.content, maxTextBytes);
    this.#scanned += beginning.length;
    const text = textOf(beginning);
    if (text !== undefined && layer.secrets.length < maxFindings)
      layer.secrets.push(...findingsIn(path, text, this.#image));
  }

  report(): ImageReport {
    const manifest = JSON.parse(this.#texts.get("manifest.json") ?? "[]") as Manifest;
    const [described] = manifest;
    if (!described) throw scanError("SCAN_ARCHIVE_BROKEN", "the archive has no manifest.json");
    const layers = described.Layers.map((name) => {
      const layer = this.#layers.get(name);
      if (!layer) this.#gaps.add(`the layer ${name} could not be read`);
      return layer;
    }).filter((layer) => layer !== undefined);
    const secrets = layers.flatMap((layer) => layer.secrets);
    return {
      findings: [...distinct(secrets), ...this.#ofSettings(described.Config), ...this.#files(layers)],
      bytes: layers.reduce((sum, layer) => sum + layer.bytes, 0),
      gaps: [...this.#gaps],
    };
  }

  /** An `.env` is in the image whichever layer has it; a tool only when no later layer took it away. */
  #files(layers: readonly Layer[]): FileFinding[] {
    const standing = new Map<string, FileFinding["rule"]>();
    for (const layer of layers) {
      for (const gone of layer.gone)
        for (const [path, rule] of standing)
          if (rule === "build-tool" && (path === gone || path.startsWith(`${gone}/`))) standing.delete(path);
      for (const [path, rule] of layer.files) standing.set(path, rule);
    }
    return [...standing].map(([path, rule]) => ({
      kind: "file",
      rule,
      path,
      image: this.#image,
      ...(isVendored(path) ? { vendored: true } : {}),
    }));
  }

  /** Variables and build commands are as readable as any file. */
  #ofSettings(name: string): SecretFinding[] {
    const { config, history } = JSON.parse(this.#texts.get(name) ?? "{}") as ImageConfig;
    const look = (path: string, lines: readonly string[], variables: boolean) =>
      scanText(lines.map((line) => line.replaceAll("\n", " ")).join("\n"), { variables }).map((found) => ({
        kind: "secret" as const,
        ...found,
        path,
        image: this.#image,
      }));
    const commands = (history ?? []).map((step) => step.created_by ?? "");
    return [...look("environment", config?.Env ?? [], true), ...look("history", commands, false)];
  }
}

/** What a whiteout of the OCI layer format takes away: one entry, or all that lower layers have in its folder. */
function removedBy(path: string, name: string): string {
  const folder = path.slice(0, path.length - name.length);
  return name === ".wh..wh..opq" ? folder.replace(/\/$/, "") : `${folder}${name.slice(".wh.".length)}`;
}

/** The first piece, and all of it with the first in front again. */
async function peek(
  content: AsyncIterable<Uint8Array>,
): Promise<{ first: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = content[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < 512) {
    const next = await iterator.next();
    if (next.done) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  const first = Buffer.concat(pieces);
  const all = (async function* () {
    yield first;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  })();
  return { first, all };
}

/** At most so much; the rest is left unread. */
async function collect(content: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of content) {
    pieces.push(piece);
    length += piece.length;
    if (length >= most) break;
  }
  return Buffer.concat(pieces).subarray(0, most);
}

/** The same line in several layers is one finding. */
function distinct(secrets: readonly SecretFinding[]): SecretFinding[] {
  return [...new Map(secrets.map((one) => [`${one.path}:${one.line}:${one.rule}`, one])).values()];
}
