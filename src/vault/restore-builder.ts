import { withTarManifest } from "../backup/tar-manifest.ts";
import type { Clock } from "../lib/clock.ts";
import type { Runtime, VolumeFiles } from "../runtime/port.ts";
import { vaultError } from "./errors.ts";
import type { KeptSource, Proof } from "./source-keeper.ts";

/** What goes into the new volumes. */
export type NewData =
  | { kind: "dump"; content: AsyncIterable<Uint8Array> }
  /** Files of a database server, to be brought to a point by its own log. */
  | { kind: "files"; content: AsyncIterable<Uint8Array>; logs: RecoveryLogs };

export type RecoveryLogs = {
  /** Folder of this host with what the server wrote since, complete up to the wanted point. */
  folder: string;
  /** Names in it, in order; the last one may be shorter than a whole one. */
  files: readonly string[];
  fileBytes: number;
  target: { at?: number; name?: string };
};

export type NewInstance = {
  /** Names the throw-away instance: letters, digits, dashes. */
  id: string;
  /** Key of a volume, or `<service>:<target>` -> name of the new volume. */
  mounts: Readonly<Record<string, string>>;
  /** Statements that are run before anybody may use it. */
  mask?: string;
};

/** Brings data into new volumes beside those that serve, and proves it there. */
export interface InstanceBuilder {
  /** The mounts whose volumes are replaced, each with a short name for its new one. */
  mountsOf(kept: KeptSource): Readonly<Record<string, string>>;
  /** The volumes are new and empty; afterwards they are whole, and nothing uses them. */
  build(kept: KeptSource, data: NewData, instance: NewInstance, signal: AbortSignal): Promise<Proof>;
  /** Removes what a build has left that did not come to its end. */
  discard(kept: KeptSource, instance: NewInstance, signal: AbortSignal): Promise<void>;
}

/** The runtime's volumes, or why there are none. */
export function volumeFilesOf({ volumeFiles, name }: Runtime): VolumeFiles {
  if (!volumeFiles) throw vaultError("VAULT_NO_SOURCE", `the runtime ${name} keeps no volumes`);
  return volumeFiles;
}

/** Volumes and host folders, as tar; a host folder is restored into a volume that takes its place. */
export class VolumeBuilder implements InstanceBuilder {
  readonly #runtime: Runtime;
  readonly #clock: Clock;

  constructor(parts: { runtime: Runtime; clock: Clock }) {
    this.#runtime = parts.runtime;
    this.#clock = parts.clock;
  }

  mountsOf({ source, stack }: KeptSource): Record<string, string> {
    if (source.volume !== undefined) return { [source.volume]: source.volume };
    const mounts = stack.services.flatMap(({ name, compose }) =>
      (compose.volumes ?? [])
        .filter((mount) => mount.type === "bind" && mount.source === source.path)
        .map(({ target }) => [`${name}:${target}`, source.name]),
    );
    return Object.fromEntries(mounts) as Record<string, string>;
  }

  async build(kept: KeptSource, data: NewData, instance: NewInstance, signal: AbortSignal): Promise<Proof> {
    const files = volumeFilesOf(this.#runtime);
    const [name] = Object.values(instance.mounts);
    if (name === undefined || data.kind !== "dump")
      throw vaultError("VAULT_NO_SOURCE", `${kept.source.name} is no volume`);
    await files.fill(kept.scope, { name }, data.content, signal);
    const again = files.archive(kept.scope, { volume: { name } }, { exclude: [] }, signal);
    const counted = withTarManifest(again, kept.source.name, this.#clock.now());
    for await (const _chunk of counted.content) signal.throwIfAborted();
    return { manifest: await counted.manifest(), checks: [] };
  }

  async discard({ scope }: KeptSource, { mounts }: NewInstance, signal: AbortSignal): Promise<void> {
    await removeVolumes(this.#runtime, scope, Object.values(mounts), signal);
  }
}

export async function removeVolumes(
  runtime: Runtime,
  scope: KeptSource["scope"],
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const files = volumeFilesOf(runtime);
  for (const name of new Set(names))
    if (await files.exists(scope, { name }, signal)) await files.remove(scope, { name }, signal);
}
