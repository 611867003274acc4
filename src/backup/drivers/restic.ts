import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import { hasCode } from "../../lib/platform-error.ts";
import { backupError } from "../errors.ts";
import type { NewSnapshot, Repository, SnapshotFilter, StoredSnapshot } from "../port.ts";
import { type ResticPlace, ResticRun } from "./restic/command.ts";
import { type ResticSnapshot, snapshotOf, tagsOf, wholeTag } from "./restic/snapshot-tags.ts";

/** The one file of each snapshot. */
const contentName = "content";

/** Half an hour in all: tags and pruning wait until a long restore has read its snapshot. */
const lockAttempts = 360;
const lockWaitMs = 5_000;

/** Location -> what writes to it now: a tag would wait in vain for the end of another's long dump. */
const turns = new Map<string, Promise<unknown>>();

async function inTurn<T>(location: string, work: () => Promise<T>): Promise<T> {
  const mine = (turns.get(location) ?? Promise.resolve()).then(work, work);
  turns.set(location, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(location) === mine) turns.delete(location);
  }
}

type Summary = { message_type: string; total_bytes_processed?: number; data_added?: number };

/** A restic repository in a folder or an S3-compatible bucket: https://restic.readthedocs.io/en/stable/ */
export class ResticRepository implements Repository {
  readonly name = "restic";
  readonly #place: ResticPlace;

  constructor(place: ResticPlace) {
    this.#place = place;
  }

  async open(signal: AbortSignal, { mustExist } = { mustExist: false }): Promise<void> {
    try {
      // Without a lock: one that a killed process has left goes only below.
      await this.#text(["cat", "config", "--no-lock"], signal);
    } catch (error) {
      if (hasCode(error, "BACKUP_REPOSITORY_KEY") || hasCode(error, "BACKUP_TOOL_MISSING")) throw error;
      if (mustExist || signal.aborted) throw error;
      await this.#create(error, signal);
    }
    // Locks of processes that are no more; those of living ones stay.
    await this.#text(["unlock"], signal);
    await inTurn(this.#place.location, () => this.#dropTorn(signal));
  }

  /**
   * Restic takes the end of its input for the end of the content, also when whoever wrote it was killed. So a snapshot
   * is first saved as torn, and becomes whole by its tag once the stream ended by itself.
   */
  save(
    snapshot: NewSnapshot,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredSnapshot> {
    return inTurn(this.#place.location, () => this.#save(snapshot, content, signal));
  }

  async #save(
    snapshot: NewSnapshot,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredSnapshot> {
    signal.throwIfAborted();
    const mark = `save=${randomUUID()}`;
    const tags = [...tagsOf(snapshot), mark];
    const summary = await this.#stream([...tags, "torn"], snapshot.takenAt, content, signal);
    const sizeBytes = summary.total_bytes_processed ?? 0;
    const final = [...tags, wholeTag, `size=${sizeBytes}`].join(",");
    await this.#text(["tag", "--tag", mark, "--set", final], signal);
    const [stored] = await this.#snapshots(["--tag", `${mark},${wholeTag}`], signal);
    if (!stored) throw backupError("BACKUP_REPOSITORY_DAMAGED", "the snapshot just made is not there");
    return {
      ...stored,
      sizeBytes,
      ...(summary.data_added === undefined ? {} : { addedBytes: summary.data_added }),
    };
  }

  async *read(id: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const run = new ResticRun(this.#place, ["dump", id, `/${contentName}`], signal);
    run.child.stdin.end();
    try {
      yield* run.child.stdout as AsyncIterable<Uint8Array>;
      await run.end();
    } finally {
      run.kill();
    }
  }

  async list(filter: SnapshotFilter, signal: AbortSignal): Promise<StoredSnapshot[]> {
    const wanted = Object.entries(filter).map(([name, value]) => `${name}=${value}`);
    const found = await this.#snapshots(["--tag", [...wanted, wholeTag].join(",")], signal);
    return found.sort((a, b) => b.takenAt - a.takenAt || (a.id < b.id ? 1 : -1));
  }

  async forget(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const present = await this.#snapshots([], signal);
    const known = ids.filter((id) => present.some((snapshot) => snapshot.id === id));
    if (known.length === 0) return;
    await inTurn(this.#place.location, () => this.#text(["forget", "--prune", ...known], signal));
  }

  async check({ readData }: { readData: boolean }, signal: AbortSignal): Promise<string[]> {
    try {
      await this.#text(["check", ...(readData ? ["--read-data"] : [])], signal);
      return [];
    } catch (error) {
      if (signal.aborted || !(error instanceof Error) || hasCode(error, "BACKUP_TOOL_MISSING")) throw error;
      return [error.message];
    }
  }

  async size(signal: AbortSignal): Promise<number> {
    const text = await this.#text(["stats", "--mode", "raw-data", "--json"], signal);
    return (JSON.parse(text) as { total_size: number }).total_size;
  }

  async #create(why: unknown, signal: AbortSignal): Promise<void> {
    try {
      await this.#text(["init"], signal);
    } catch (error) {
      // Something is there that could not be read: its own words say more than those of the second attempt.
      throw error instanceof Error && /already (?:exists|initialized)/i.test(error.message) ? why : error;
    }
  }

  async #stream(
    tags: readonly string[],
    takenAt: number,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Summary> {
    const args = ["backup", "--json", "--stdin", "--stdin-filename", contentName, "--host", "roadstead"];
    const run = new ResticRun(
      this.#place,
      [...args, "--time", resticTime(takenAt), "--tag", tags.join(",")],
      signal,
    );
    const printed = lastLine(run.child.stdout);
    try {
      await pipeline(Readable.from(content, { objectMode: false }), run.child.stdin);
    } catch (error) {
      // Killed before it sees the end of its input. If it ended by itself, its own words are the reason.
      run.kill();
      const ended = await run.end().catch((reason: unknown) => reason);
      if (signal.aborted) throw signal.reason;
      throw isBrokenPipe(error) ? ended : error;
    }
    await run.end();
    return JSON.parse(await printed) as Summary;
  }

  async #dropTorn(signal: AbortSignal): Promise<void> {
    const found = await this.#raw(["--tag", "torn"], signal);
    if (found.length > 0) await this.#text(["forget", "--prune", ...found.map(({ id }) => id)], signal);
  }

  async #snapshots(args: readonly string[], signal: AbortSignal): Promise<StoredSnapshot[]> {
    return (await this.#raw(args, signal)).flatMap((found) => snapshotOf(found) ?? []);
  }

  async #raw(args: readonly string[], signal: AbortSignal): Promise<ResticSnapshot[]> {
    const text = await this.#text(["snapshots", "--json", ...args], signal);
    return (JSON.parse(text) as ResticSnapshot[] | null) ?? [];
  }

  /** Waits for others: restic 0.14 gives up at once when somebody else holds the lock. */
  async #text(args: readonly string[], signal: AbortSignal): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await new ResticRun(this.#place, args, signal).text();
      } catch (error) {
        if (signal.aborted || attempt >= lockAttempts || !hasCode(error, "BACKUP_REPOSITORY_BUSY"))
          throw error;
      }
      await setTimeout(lockWaitMs, undefined, { signal });
      await new ResticRun(this.#place, ["unlock"], signal).text();
    }
  }
}

/** Local time of this host, to the second, as `--time` takes it. */
function resticTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}

/** Progress comes as lines, the summary last. */
async function lastLine(output: Readable): Promise<string> {
  let tail = "";
  for await (const chunk of output) {
    tail = (tail + String(chunk)).slice(-16_384);
  }
  return tail.trimEnd().split("\n").at(-1) ?? "";
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EPIPE" || error.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
