import type { Clock } from "../../../lib/clock.ts";
import type { ReplicaId } from "../../../rollout/ids.ts";
import type { LogLine } from "../../port.ts";
import { type Cursor, type LogFiles, type StoredLine, streams } from "./log-files.ts";
import type { ReplicaRecord } from "./replica-records.ts";

const pieceBytes = 256 * 1024;
/** How soon the next line of a replica that writes is seen, and of one that was quiet. */
const busyMs = 200;
const quietMs = 1000;
const oldest = 3;

export type FollowHost = {
  recordOf: (id: ReplicaId) => ReplicaRecord | undefined;
  logs: LogFiles;
  clock: Clock;
  /** Not while the files are being rotated. */
  alone: <T>(id: ReplicaId, work: () => Promise<T>) => Promise<T>;
};

/** Each stream of one replica in its own order, a piece of file at a time, until the replica has ended. */
export async function* followReplica(
  id: ReplicaId,
  since: number,
  host: FollowHost,
  signal: AbortSignal,
): AsyncGenerator<LogLine, void, undefined> {
  const readers = streams.map((stream) => new StreamReader(host.logs, { id, stream, since }));
  const service = host.recordOf(id)?.service ?? "";
  let waitMs = busyMs;
  while (!signal.aborted) {
    const ended = host.recordOf(id)?.state !== "running";
    let read = false;
    for (const reader of readers) {
      const { lines, more } = await host.alone(id, () => reader.next());
      read ||= more;
      for (const line of lines) yield { replica: id, service, ...line };
    }
    if (read) {
      waitMs = busyMs;
      continue;
    }
    if (ended) {
      for (const reader of readers) for (const line of reader.rest()) yield { replica: id, service, ...line };
      return;
    }
    // Rejects when the reader has had enough, which ends the loop.
    await host.clock.sleep(waitMs, signal).catch(() => undefined);
    waitMs = Math.min(quietMs, waitMs * 2);
  }
}

/** One stream's files from the oldest that is wanted to the one that is written, also while they are rotated. */
class StreamReader {
  readonly #logs: LogFiles;
  readonly #of: { id: ReplicaId; stream: StoredLine["stream"]; since: number };
  readonly #path: string;
  readonly #cursor: Cursor = { offset: 0, rest: Buffer.alloc(0) };
  /** 0 is the file that is written. */
  #generation: number;
  #rotations: number;

  constructor(logs: LogFiles, of: { id: ReplicaId; stream: StoredLine["stream"]; since: number }) {
    this.#logs = logs;
    this.#of = of;
    this.#path = logs.pathOf(of.id, of.stream);
    this.#rotations = logs.rotationsOf(of.id, of.stream);
    this.#generation = 0;
    for (let generation = oldest; generation >= 0; generation -= 1) {
      const place = logs.placeOf(this.#file(generation), of.since);
      if (place === undefined) continue;
      this.#generation = generation;
      this.#cursor.offset = place;
      break;
    }
  }

  /** `more`: bytes were read, so there may be others. */
  async next(): Promise<{ lines: StoredLine[]; more: boolean }> {
    const { id, stream, since } = this.#of;
    const rotations = this.#logs.rotationsOf(id, stream);
    // What fell off the end meanwhile is gone; the oldest that is left goes on at its beginning.
    const generation = this.#generation + rotations - this.#rotations;
    if (generation > oldest) Object.assign(this.#cursor, { offset: 0, rest: Buffer.alloc(0) });
    this.#generation = Math.min(oldest, generation);
    this.#rotations = rotations;
    for (; ; this.#generation -= 1) {
      const before = this.#cursor.offset;
      const file = this.#file(this.#generation);
      const lines = await this.#logs.readPiece(file, stream, this.#cursor, pieceBytes);
      const more = this.#cursor.offset > before;
      if (more || this.#generation === 0) return { lines: lines.filter(({ at }) => at >= since), more };
      // A line that was cut in two by the rotation goes on in the next file.
      this.#cursor.offset = 0;
    }
  }

  /** The last line, when it has no end. */
  rest(): StoredLine[] {
    const { rest } = this.#cursor;
    if (rest.length === 0) return [];
    this.#cursor.rest = Buffer.alloc(0);
    return [
      { stream: this.#of.stream, at: this.#logs.lastChangeOf(this.#path), text: rest.toString("utf8") },
    ];
  }

  #file(generation: number): string {
    return generation === 0 ? this.#path : `${this.#path}.${generation}`;
  }
}
