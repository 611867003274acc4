import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "../../lib/run.ts";
import type { Manifest } from "../../policy/backup-manifest.ts";
import type { CheckResult } from "../../policy/backup-verdict.ts";
import { backupError } from "../errors.ts";
import type { Dump } from "../source.ts";
import type { SqliteAnswer, SqliteRequest } from "./sqlite-worker.ts";

const limitMs = 6 * 3600_000;

/** One SQLite file: copied within a read transaction while others write, and streamed as a file of the same format. */
export class SqliteSource {
  readonly kind = "sqlite";
  readonly #workFolder: string;
  readonly #now: () => number;

  /** `workFolder`: for the copy while it is streamed, and for throw-away files. */
  constructor(workFolder: string, now: () => number) {
    this.#workFolder = workFolder;
    this.#now = now;
  }

  async dump(file: string, signal: AbortSignal): Promise<Dump> {
    const target = await this.#newFile();
    try {
      const takenAt = this.#now();
      const found = await this.#ask({ action: "copy", file, target }, signal);
      const { size } = await stat(target);
      return { content: streamed(target), manifest: async () => manifestOf(found, takenAt, size) };
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    }
  }

  /** Into a file of its own, which is gone afterwards. */
  async prove(
    content: AsyncIterable<Uint8Array>,
    checks: readonly string[],
    signal: AbortSignal,
  ): Promise<{ manifest: Manifest; checks: readonly CheckResult[] }> {
    const file = await this.#newFile();
    try {
      await pipeline(
        Readable.from(content, { objectMode: false }),
        createWriteStream(file, { mode: 0o600 }),
        {
          signal,
        },
      );
      const found = await this.#ask({ action: "inspect", file, checks }, signal);
      const { size } = await stat(file);
      return { manifest: manifestOf(found, this.#now(), size), checks: found.checks };
    } finally {
      await rm(file, { force: true });
    }
  }

  async removeLeftovers(): Promise<void> {
    await rm(this.#workFolder, { recursive: true, force: true });
  }

  async #newFile(): Promise<string> {
    await mkdir(this.#workFolder, { recursive: true, mode: 0o700 });
    return join(this.#workFolder, `${randomUUID()}.db`);
  }

  async #ask(request: SqliteRequest, signal: AbortSignal): Promise<SqliteAnswer> {
    const worker = join(import.meta.dirname, "sqlite-worker.ts");
    const ended = await run([process.execPath, worker], {
      input: JSON.stringify(request),
      env: { NODE_NO_WARNINGS: "1" },
      timeoutMs: limitMs,
      signal,
      maxOutput: 16 * 1024 * 1024,
    });
    if (ended.exitCode === 0) return JSON.parse(ended.stdout) as SqliteAnswer;
    const said = ended.stderr.trim() || `exit code ${ended.exitCode}`;
    throw backupError("BACKUP_SOURCE_FAILED", `${request.file}: ${said}`);
  }
}

function manifestOf({ engine, schema, parts }: SqliteAnswer, takenAt: number, sizeBytes: number): Manifest {
  return { engine, takenAt, sizeBytes, schema, parts };
}

/** The file, and nothing of it afterwards. */
async function* streamed(file: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(file) as AsyncIterable<Buffer>;
  } finally {
    await rm(file, { force: true });
  }
}
