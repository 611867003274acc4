import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runtimeError } from "../../errors.ts";
import { archiveFolder, fillFolder } from "../../folder-tar.ts";
import type { HeldImage, ImageCopies } from "../../port.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";

/** Images as tar of their folders. A server of this machine is a description only: its programs must be on the other. */
export class ProcessImageCopies implements ImageCopies {
  readonly #store: ImageStore;
  readonly #ready: () => Promise<void>;

  constructor(store: ImageStore, ready: () => Promise<void>) {
    this.#store = store;
    this.#ready = ready;
  }

  async has({ digest }: HeldImage): Promise<boolean> {
    await this.#ready();
    return (await this.#store.find(digest)) !== undefined;
  }

  async *give({ digest, reference }: HeldImage, signal: AbortSignal): AsyncIterable<Uint8Array> {
    await this.#ready();
    if (!(await this.#store.find(digest)))
      throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${reference} (${digest}) is not on this host`);
    yield* archiveFolder(this.#store.folderOf(digest), { exclude: [] }, signal);
  }

  async take(image: HeldImage, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    if (await this.has(image)) return;
    const building = this.#store.newBuilding();
    try {
      await mkdir(building, { recursive: true, mode: 0o755 });
      await fillFolder(building, content, signal);
      const stored = await readStored(building, image);
      await rm(this.#store.folderOf(image.digest), { recursive: true, force: true });
      await rename(building, this.#store.folderOf(stored.digest));
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  }
}

async function readStored(folder: string, image: HeldImage): Promise<StoredImage> {
  const stored = JSON.parse(await readFile(join(folder, "image.json"), "utf8")) as StoredImage;
  if (stored.digest !== image.digest)
    throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `the copy of ${image.reference} holds another image`);
  if (stored.bin !== undefined && !existsSync(stored.bin))
    throw runtimeError(
      "RUNTIME_IMAGE_UNAVAILABLE",
      `this host has no ${stored.description} in ${stored.bin}`,
      {
        hint: "Install the same version here, or recover onto --runtime docker.",
      },
    );
  return stored;
}
