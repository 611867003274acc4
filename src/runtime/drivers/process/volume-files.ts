import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../../../rollout/ids.ts";
import type { ComposeVolume } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";
import { archiveFolder, fillFolder } from "../../folder-tar.ts";
import type { FileTree, VolumeFiles } from "../../port.ts";
import type { Layout } from "./layout.ts";
import type { Resources } from "./resources.ts";
import type { Serial } from "./serial.ts";
import { volumeFolder } from "./volume-folder.ts";

/** Volumes are folders of the home. */
export class ProcessVolumeFiles implements VolumeFiles {
  readonly #layout: Layout;
  readonly #resources: Resources;
  readonly #serial: Serial;

  constructor(layout: Layout, resources: Resources, serial: Serial) {
    this.#layout = layout;
    this.#resources = resources;
    this.#serial = serial;
  }

  archive(
    scope: Scope,
    tree: FileTree,
    options: { exclude: readonly string[] },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const folder = "hostPath" in tree ? tree.hostPath : this.#folder(scope, tree.volume);
    return archiveFolder(folder, options, signal);
  }

  async fill(
    scope: Scope,
    volume: ComposeVolume,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const folder = this.#folder(scope, volume);
    if (!volume.external)
      await this.#serial.run("resources", () => this.#resources.keep(scope, volumeFolder(scope, volume)));
    await fillFolder(folder, tar, signal);
  }

  async exists(scope: Scope, volume: ComposeVolume): Promise<boolean> {
    return await readdir(this.#folder(scope, volume)).then(
      () => true,
      () => false,
    );
  }

  async remove(scope: Scope, volume: ComposeVolume): Promise<void> {
    if (volume.external)
      throw runtimeError(
        "RUNTIME_RESOURCE_FAILED",
        `the external volume ${volume.name} is not ours to remove`,
      );
    const folder = this.#folder(scope, volume);
    await this.#serial.run("resources", async () => {
      await rm(folder, { recursive: true, force: true });
      await this.#resources.forget(volumeFolder(scope, volume));
    });
  }

  async folder(scope: Scope, volume: ComposeVolume): Promise<string> {
    return this.#folder(scope, volume);
  }

  #folder(scope: Scope, volume: ComposeVolume): string {
    return join(this.#layout.volumes, volumeFolder(scope, volume));
  }
}
