import { chmod, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../lib/platform-error.ts";
import type { Manifest, ManifestPart } from "../../policy/backup-manifest.ts";
import { backupError } from "../errors.ts";
import type { Dump, Source } from "../source.ts";

/** The home of an installation, or an empty folder that becomes one. */
export type PlatformPlace = { home: string };

export type PlatformTools = {
  now: () => number;
  /** A consistent copy of the store's database in use. */
  copyStore: (from: string, to: string) => Promise<void>;
  /** What a store holds, opened by the real driver with its key. Throws when it does not open or its audit trail is broken. */
  holdings: (options: { path: string; keyPath: string }) => ManifestPart[];
  archive: (folder: string, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  fill: (folder: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>;
};

const database = "roadstead.db";
const keyFile = "key";
/** Beside the store: key, certificates, and the settings that are files. What can be made again stays out. */
const files = [
  keyFile,
  "key.new",
  "token",
  "setup-code",
  "platform.json",
  "certificates",
  "secrets.json",
  "registries.json",
  "logs.json",
] as const;

/** Folders of these names in a home are copies that a killed process has left. */
export const stagingPrefix = "state-copy-";

/**
 * Roadstead's own state as tar: its database, the key that opens it, certificates and settings. The repository encrypts
 * all of it; whoever holds the repository's key holds the key of every secret.
 */
export class PlatformSource implements Source<PlatformPlace> {
  readonly kind = "platform";
  readonly #tools: PlatformTools;

  constructor(tools: PlatformTools) {
    this.#tools = tools;
  }

  async dump({ home }: PlatformPlace, signal: AbortSignal): Promise<Dump> {
    const takenAt = this.#tools.now();
    const folder = await mkdtemp(join(home, stagingPrefix));
    try {
      await chmod(folder, 0o700);
      await this.#tools.copyStore(join(home, database), join(folder, database));
      for (const name of files)
        await cp(join(home, name), join(folder, name), { recursive: true, preserveTimestamps: true }).catch(
          ignoreMissing,
        );
      const parts = this.#holdings(folder);
      signal.throwIfAborted();
      const counted = { bytes: 0 };
      const content = this.#read(folder, counted, signal);
      const engine = "roadstead state";
      return { content, manifest: async () => ({ engine, takenAt, sizeBytes: counted.bytes, parts }) };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async restore(
    content: AsyncIterable<Uint8Array>,
    { home }: PlatformPlace,
    signal: AbortSignal,
  ): Promise<void> {
    await mkdir(home, { recursive: true, mode: 0o711 });
    await this.#tools.fill(home, content, signal);
  }

  async inspect({ home }: PlatformPlace): Promise<Manifest> {
    const parts = this.#holdings(home);
    return { engine: "roadstead state", takenAt: this.#tools.now(), sizeBytes: 0, parts };
  }

  #holdings(folder: string): ManifestPart[] {
    try {
      return this.#tools.holdings({ path: join(folder, database), keyPath: join(folder, keyFile) });
    } catch (cause) {
      const why = `a copy of the control plane's state does not open: ${messageOf(cause)}`;
      throw backupError("BACKUP_SOURCE_FAILED", why, { cause });
    }
  }

  async *#read(
    folder: string,
    counted: { bytes: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.#tools.archive(folder, signal)) {
        counted.bytes += chunk.byteLength;
        yield chunk;
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
