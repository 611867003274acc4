import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import type { ImageDigest } from "../../../rollout/ids.ts";
import type { ResolvedImage } from "../../port.ts";
import type { Recipe } from "./dockerfile.ts";

/** What an image is to this driver: a snapshot of a build context, Node itself, or a server on this machine. */
export type StoredImage = ResolvedImage & {
  kind: "snapshot" | "node" | "postgres" | "redis";
  recipe: Pick<Recipe, "environment" | "entrypoint" | "command" | "root" | "workingDir" | "stopSignal">;
  /** Folder of the server's programs, and the server's own name in it. */
  bin?: string;
  program?: string;
  /** What of the recipe a process cannot keep. */
  notes: readonly string[];
};

export const emptyRecipe: StoredImage["recipe"] = {
  environment: {},
  entrypoint: [],
  command: [],
  root: "/",
  workingDir: "/",
};

const buildingPrefix = ".building-";

/** Images by digest: `<images>/<hex>/image.json`, and `root/` for a snapshot. Never changed once there. */
export class ImageStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  folderOf(digest: ImageDigest): string {
    return join(this.#folder, digest.replace("sha256:", ""));
  }

  rootOf(digest: ImageDigest): string {
    return join(this.folderOf(digest), "root");
  }

  async find(digest: ImageDigest): Promise<StoredImage | undefined> {
    const text = await readFile(join(this.folderOf(digest), "image.json"), "utf8").catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as StoredImage);
  }

  /** Writes the description of an image whose `root/` lies in `building`, and gives it its final place at once. */
  async commit(image: StoredImage, building: string): Promise<void> {
    await writeFileAtomic(join(building, "image.json"), `${JSON.stringify(image, undefined, 2)}\n`, 0o644);
    // A folder without image.json was left by a crash between two steps of an older version; it is not an image.
    await rm(this.folderOf(image.digest), { recursive: true, force: true });
    await rename(building, this.folderOf(image.digest));
  }

  /** Builds that a crash interrupted. Only before any build of this driver begins. */
  async removeUnfinished(): Promise<void> {
    for (const name of await readdir(this.#folder))
      if (name.startsWith(buildingPrefix))
        await rm(join(this.#folder, name), { recursive: true, force: true });
  }

  /** A folder of its own for one build. */
  newBuilding(): string {
    return join(this.#folder, `${buildingPrefix}${randomBytes(6).toString("hex")}`);
  }
}
