import type { DatabasePlace } from "../backup/sources/database-place.ts";
import type { Clock } from "../lib/clock.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import type { CheckResult } from "../policy/backup-verdict.ts";
import type { Runtime } from "../runtime/port.ts";
import type { ComposeMount } from "../stack/compose-model.ts";
import { vaultError } from "./errors.ts";
import type { NewData, NewInstance, RecoveryLogs } from "./restore-builder.ts";
import { type InstanceBuilder, removeVolumes, volumeFilesOf } from "./restore-builder.ts";
import type { KeptSource, Proof } from "./source-keeper.ts";
import { removeThrowAway, type ServingDatabase, throwAwayScope, withThrowAway } from "./throw-away.ts";

/** What a kind of database adds to being copied: it can be asked, and made ready for where it will serve. */
export interface RestorableDatabase {
  restore(content: AsyncIterable<Uint8Array>, place: DatabasePlace, signal: AbortSignal): Promise<void>;
  inspect(place: DatabasePlace, signal: AbortSignal): Promise<Manifest>;
  check(place: DatabasePlace, checks: readonly string[], signal: AbortSignal): Promise<CheckResult[]>;
}

export type DatabaseBuilderParts = {
  runtime: Runtime;
  clock: Clock;
  source: RestorableDatabase;
  servingOf: (kept: KeptSource) => ServingDatabase;
  /** Where its image keeps its files when nothing is mounted there. */
  dataFolder: string;
  /** Makes what came from elsewhere accept the passwords of where it will serve. */
  adopt?: (place: DatabasePlace, signal: AbortSignal) => Promise<void>;
  /** Statements, in the language of the database. */
  run?: (place: DatabasePlace, statements: string, signal: AbortSignal) => Promise<void>;
  /** Brings files of its server to a point, with its own log. */
  recovery?: Recovery;
};

export interface Recovery {
  prepare(folder: string, logs: RecoveryLogs): Promise<void>;
  /** Resolves once the point is reached and the server takes writes. */
  reached(place: DatabasePlace, logs: RecoveryLogs, signal: AbortSignal): Promise<void>;
  tidy(folder: string): Promise<void>;
}

const emptyTar = new Uint8Array(1024);
const setUpFolder = "/docker-entrypoint-initdb.d";
const stopSeconds = 120;
/** Reading back a day's log takes its time. */
const recoverySeconds = 3600;

/** A database in new volumes of its stack, on a throw-away instance of the same image and settings. */
export class DatabaseBuilder implements InstanceBuilder {
  readonly #parts: DatabaseBuilderParts;

  constructor(parts: DatabaseBuilderParts) {
    this.#parts = parts;
  }

  mountsOf(kept: KeptSource): Record<string, string> {
    return Object.fromEntries(this.#mounts(kept).map(({ key, short }) => [key, short]));
  }

  async build(kept: KeptSource, data: NewData, instance: NewInstance, signal: AbortSignal): Promise<Proof> {
    await this.discard(kept, instance, signal);
    await this.#fill(kept, data, instance, signal);
    const { runtime, clock } = this.#parts;
    const proof = await withThrowAway(
      runtime,
      this.#serving(kept, data),
      (place) => this.#prove(kept, { data, instance, place }, signal),
      { id: instance.id, clock, signal, volumes: this.#volumes(kept, instance) },
    );
    if (data.kind === "files") await this.#recovery().tidy(await this.#dataFolder(kept, instance, signal));
    return proof;
  }

  async discard(kept: KeptSource, instance: NewInstance, signal: AbortSignal): Promise<void> {
    const { runtime } = this.#parts;
    await removeThrowAway(runtime, throwAwayScope(kept.scope, instance.id), signal);
    await removeVolumes(runtime, kept.scope, Object.values(instance.mounts), signal);
  }

  /** Volumes are of the stack that will use them, empty or with the files of a server. */
  async #fill(kept: KeptSource, data: NewData, { mounts }: NewInstance, signal: AbortSignal): Promise<void> {
    const files = volumeFilesOf(this.#parts.runtime);
    const main = this.#mainMount(kept);
    for (const [key, name] of Object.entries(mounts)) {
      const content = data.kind === "files" && key === main ? data.content : once(emptyTar);
      await files.fill(kept.scope, { name }, content, signal);
    }
    if (data.kind !== "files") return;
    const folder = await files.folder(kept.scope, { name: mounts[main] ?? "" }, signal);
    await this.#recovery().prepare(folder, data.logs);
  }

  async #prove(
    kept: KeptSource,
    { data, instance, place }: { data: NewData; instance: NewInstance; place: DatabasePlace },
    signal: AbortSignal,
  ): Promise<Proof> {
    const { source, adopt, run, runtime } = this.#parts;
    if (data.kind === "files") await this.#recovery().reached(place, data.logs, signal);
    else await source.restore(data.content, place, signal);
    const manifest = await source.inspect(place, signal);
    const checks = await source.check(place, kept.source.checks, signal);
    await adopt?.(place, signal);
    if (instance.mask !== undefined) {
      if (!run) throw vaultError("VAULT_NO_SOURCE", `${kept.source.kind} takes no statements that mask it`);
      await run(place, instance.mask, signal);
    }
    // In good order, so that what serves need not recover first.
    const scope = throwAwayScope(kept.scope, instance.id);
    for (const { id } of await runtime.observe(scope, signal))
      await runtime.stopReplica(id, stopSeconds, signal);
    return { manifest, checks };
  }

  #serving(kept: KeptSource, data: NewData): ServingDatabase {
    const serving = this.#parts.servingOf(kept);
    const { compose } = serving.spec;
    const mounts = this.#mounts(kept);
    const targets = new Set(mounts.map(({ mount }) => mount.target));
    const others = (compose.volumes ?? []).filter(({ target }) => !targets.has(target));
    const volumes = [...others, ...mounts.map(({ mount }) => mount)];
    const { readyTimeoutSeconds } = serving;
    return {
      ...serving,
      spec: { ...serving.spec, compose: { ...compose, volumes } },
      readyTimeoutSeconds:
        data.kind === "files" ? Math.max(readyTimeoutSeconds, recoverySeconds) : readyTimeoutSeconds,
    };
  }

  /** Of another scope than the throw-away's, so they are external to it. */
  #volumes({ scope }: KeptSource, { mounts }: NewInstance) {
    const suffix = scope.environment === "production" ? "" : `-${scope.environment}`;
    const entries = Object.entries(mounts);
    return Object.fromEntries(
      entries.map(([key, name]) => [key, { name: `${name}${suffix}`, external: true }]),
    );
  }

  /** Everything that the database writes to: its whole state is replaced, or none of it. */
  #mounts({ stack, source }: KeptSource): { key: string; short: string; mount: ComposeMount }[] {
    const name = source.services[0] ?? source.name;
    const service = stack.services.find((candidate) => candidate.name === name);
    const written = (service?.compose.volumes ?? []).filter(
      ({ type, target, read_only }) =>
        (type === "volume" || type === "bind") && read_only !== true && !target.startsWith(setUpFolder),
    );
    const { dataFolder } = this.#parts;
    const isHeld = written.some(({ target }) => dataFolder === target || dataFolder.startsWith(`${target}/`));
    const mounts: Pick<ComposeMount, "type" | "source" | "target">[] = isHeld
      ? written
      : [...written, { type: "volume", target: dataFolder }];
    return mounts.map(({ type, source: from, target }) => {
      const key = type === "volume" && from !== undefined ? from : `${name}:${target}`;
      const short = key.replaceAll(/[^\w.-]+/g, ".");
      return { key, short, mount: { type: "volume", source: key, target } };
    });
  }

  #mainMount(kept: KeptSource): string {
    const { dataFolder } = this.#parts;
    const found = this.#mounts(kept).find(({ mount }) => mount.target === dataFolder);
    if (!found)
      throw vaultError("VAULT_NO_SOURCE", `nothing is mounted at ${dataFolder} of ${kept.source.name}`, {
        hint: "Restore a backup of it instead of a point in time.",
      });
    return found.key;
  }

  async #dataFolder(kept: KeptSource, { mounts }: NewInstance, signal: AbortSignal): Promise<string> {
    const name = mounts[this.#mainMount(kept)] ?? "";
    return await volumeFilesOf(this.#parts.runtime).folder(kept.scope, { name }, signal);
  }

  #recovery(): Recovery {
    const { recovery } = this.#parts;
    if (!recovery) throw vaultError("VAULT_NO_SOURCE", "this database has no points in time");
    return recovery;
  }
}

async function* once(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}
