import { type Scope, scopeKey } from "../../rollout/ids.ts";
import type { ComposeVolume } from "../../stack/compose-model.ts";
import { runtimeError } from "../errors.ts";
import type { FileTree, VolumeFiles } from "../port.ts";

/** Two blocks of zeros: an archive without files. */
const emptyArchive = Buffer.alloc(1024);

/** Volumes hold the archive that they were filled with. */
export class MemoryVolumeFiles implements VolumeFiles {
  readonly #owners: Map<string, string>;
  readonly #contents = new Map<string, Buffer>();

  /** `owners`: name -> key of its scope, kept by the host. */
  constructor(owners: Map<string, string>) {
    this.#owners = owners;
  }

  /** For tests: what a service has written, as an archive. */
  write(name: string, content: Uint8Array): void {
    this.#contents.set(name, Buffer.from(content));
  }

  async *archive(
    _scope: Scope,
    tree: FileTree,
    _options: { exclude: readonly string[] },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const name = "hostPath" in tree ? tree.hostPath : tree.volume.name;
    const content = this.#contents.get(name) ?? (this.#owners.has(name) ? emptyArchive : undefined);
    if (!content) throw runtimeError("RUNTIME_RESOURCE_FAILED", `there is no volume ${name}`);
    for (let at = 0; at < content.byteLength; at += 65_536) {
      signal.throwIfAborted();
      yield content.subarray(at, at + 65_536);
    }
  }

  async fill(
    scope: Scope,
    volume: ComposeVolume,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#contents.has(volume.name))
      throw runtimeError("RUNTIME_RESOURCE_FAILED", `${volume.name} is not empty`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of tar) {
      signal.throwIfAborted();
      chunks.push(Uint8Array.from(chunk));
    }
    this.#owners.set(volume.name, scopeKey(scope));
    this.#contents.set(volume.name, Buffer.concat(chunks));
  }

  async exists(_scope: Scope, volume: ComposeVolume): Promise<boolean> {
    return this.#owners.has(volume.name);
  }

  async remove(_scope: Scope, volume: ComposeVolume): Promise<void> {
    this.#owners.delete(volume.name);
    this.#contents.delete(volume.name);
  }

  async folder(_scope: Scope, volume: ComposeVolume): Promise<string> {
    throw runtimeError("RUNTIME_UNSUPPORTED", `${volume.name} lies in memory`);
  }
}
