import { lstat, realpath } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import type { Dump } from "../backup/source.ts";
import type { SqliteSource } from "../backup/sources/sqlite.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import { vaultError } from "./errors.ts";
import type { KeptSource, Proof, SourceKeeper } from "./source-keeper.ts";

/** SQLite files in volumes and host folders. */
export class SqliteKeeper implements SourceKeeper {
  readonly #runtime: Runtime;
  readonly #source: SqliteSource;

  constructor(runtime: Runtime, source: SqliteSource) {
    this.#runtime = runtime;
    this.#source = source;
  }

  async dump(kept: KeptSource, signal: AbortSignal): Promise<Dump> {
    return await this.#source.dump(await this.#fileOf(kept, signal), signal);
  }

  async prove(
    { source }: KeptSource,
    content: AsyncIterable<Uint8Array>,
    _options: { proof: string },
    signal: AbortSignal,
  ): Promise<Proof> {
    return await this.#source.prove(content, source.checks, signal);
  }

  async removeLeftovers(): Promise<void> {
    await this.#source.removeLeftovers();
  }

  async #fileOf({ scope, stack, source }: KeptSource, signal: AbortSignal): Promise<string> {
    const { path = "", volume } = source;
    const missing = () =>
      vaultError("VAULT_NO_SOURCE", `${scopeKey(scope)} has no file ${path} in ${source.name}`);
    if (volume === undefined) {
      const info = await lstat(path).catch(() => undefined);
      if (!info?.isFile()) throw missing();
      return path;
    }
    const found = stack.volumes[volume];
    const folder = found && (await this.#runtime.volumeFiles?.folder(scope, found, signal));
    if (folder === undefined) throw missing();
    const file = await realpath(join(folder, path)).catch(() => undefined);
    if (file === undefined) throw missing();
    // A service writes its volume: a link in it must not lead to another file of the host.
    const below = relative(await realpath(folder), file);
    if (below.startsWith("..") || isAbsolute(below)) throw missing();
    return file;
  }
}
