import type { Dump } from "../backup/source.ts";
import { withTarManifest } from "../backup/tar-manifest.ts";
import type { Clock } from "../lib/clock.ts";
import type { Scope } from "../rollout/ids.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { FileTree, Runtime, VolumeFiles } from "../runtime/port.ts";
import type { ComposeVolume } from "../stack/compose-model.ts";
import type { Store } from "../store/port.ts";
import { vaultError } from "./errors.ts";
import { runHook } from "./hooks.ts";
import type { KeptSource, Proof, SourceKeeper } from "./source-keeper.ts";

const collection = "backup-throw-away-volumes";
type ThrowAway = { scope: Scope; volume: ComposeVolume };

/** Volumes and host folders, as tar. */
export class VolumeKeeper implements SourceKeeper {
  readonly #runtime: Runtime;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(parts: { runtime: Runtime; store: Store; clock: Clock }) {
    this.#runtime = parts.runtime;
    this.#store = parts.store;
    this.#clock = parts.clock;
  }

  async dump(kept: KeptSource, signal: AbortSignal): Promise<Dump> {
    const { scope, source } = kept;
    await runHook(this.#runtime, kept, source.before, signal);
    const { exclude } = source;
    const archive = this.#files().archive(scope, treeOf(kept), { exclude }, signal);
    const { content, manifest } = withTarManifest(archive, source.name, this.#clock.now());
    return { content: this.#andAfterwards(content, kept, signal), manifest };
  }

  async prove(
    { scope, source }: KeptSource,
    content: AsyncIterable<Uint8Array>,
    { proof }: { proof: string },
    signal: AbortSignal,
  ): Promise<Proof> {
    const files = this.#files();
    const place: ThrowAway = { scope, volume: { name: `${scope.stack}_${proof}` } };
    await this.#remove(place, signal);
    // Written down first: a killed control plane must know what it has left.
    this.#store.records.put(collection, proof, place);
    try {
      await files.fill(scope, place.volume, content, signal);
      const again = files.archive(scope, { volume: place.volume }, { exclude: [] }, signal);
      const counted = withTarManifest(again, source.name, this.#clock.now());
      for await (const _chunk of counted.content) signal.throwIfAborted();
      return { manifest: await counted.manifest(), checks: [] };
    } finally {
      await this.#remove(place, AbortSignal.timeout(60_000));
      this.#store.records.remove(collection, proof);
    }
  }

  async removeLeftovers(signal: AbortSignal): Promise<void> {
    for (const { key, value } of this.#store.records.list<ThrowAway>(collection)) {
      await this.#remove(value, signal);
      this.#store.records.remove(collection, key);
    }
  }

  async *#andAfterwards(
    content: AsyncIterable<Uint8Array>,
    kept: KeptSource,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    try {
      yield* content;
    } finally {
      // Also when the copy failed: what was frozen must not stay so.
      const limited = signal.aborted ? AbortSignal.timeout(60_000) : signal;
      await runHook(this.#runtime, kept, kept.source.after, limited);
    }
  }

  async #remove({ scope, volume }: ThrowAway, signal: AbortSignal): Promise<void> {
    const files = this.#files();
    if (await files.exists(scope, volume, signal)) await files.remove(scope, volume, signal);
  }

  #files(): VolumeFiles {
    const { volumeFiles, name } = this.#runtime;
    if (!volumeFiles) throw vaultError("VAULT_NO_SOURCE", `the runtime ${name} keeps no volumes`);
    return volumeFiles;
  }
}

function treeOf({ scope, stack, source }: KeptSource): FileTree {
  if (source.kind === "bind" && source.path !== undefined) return { hostPath: source.path };
  const volume = source.volume === undefined ? undefined : stack.volumes[source.volume];
  if (!volume) throw vaultError("VAULT_NO_SOURCE", `${scopeKey(scope)} has no volume ${source.name}`);
  return { volume };
}
