import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { copyFile, open, readFile, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { ReplicaId } from "../../../rollout/ids.ts";

type Stream = "stdout" | "stderr";
type Mark = { offset: number; at: number };

export type StoredLine = { stream: Stream; at: number; text: string };
export type Cursor = { offset: number; rest: Buffer };

const suffixes: Readonly<Record<Stream, string>> = { stdout: "out", stderr: "err" };
export const streams: readonly Stream[] = ["stdout", "stderr"];
/** A line longer than this is shown in pieces. */
const longestLine = 1024 ** 2;

/**
 * What replicas print: `<id>.out` and `<id>.err`, appended by the replicas themselves, so that nothing is lost while
 * the control plane is away. Lines carry no time, so marks beside each file (`offset time`) say when it had grown
 * that far; a line's time is that of the first mark behind it, exact to the interval in which marks are set.
 */
export class LogFiles {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #marks = new Map<string, Mark[]>();
  readonly #rotations = new Map<string, number>();

  /** Rotates at `maxBytes` and keeps three older files of each stream. */
  constructor(folder: string, maxBytes = 10 * 1024 ** 2) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Descriptors for a child's stdout and stderr; `close` them once it has them. */
  openFor(id: ReplicaId): { stdout: number; stderr: number; close: () => void } {
    const [stdout, stderr] = streams.map((stream) => openSync(this.pathOf(id, stream), "a", 0o600));
    if (stdout === undefined || stderr === undefined) throw new Error("two streams were opened");
    const close = () => {
      for (const descriptor of [stdout, stderr]) closeSync(descriptor);
    };
    return { stdout, stderr, close };
  }

  /** Sets marks, and rotates by copy and truncate: the program keeps its file open and never notices. */
  async maintain(id: ReplicaId): Promise<void> {
    for (const stream of streams) {
      const path = this.pathOf(id, stream);
      const size = this.#mark(path);
      if (size > this.#maxBytes) await this.#rotate(path);
    }
  }

  async remove(id: ReplicaId): Promise<void> {
    for (const stream of streams) {
      const path = this.pathOf(id, stream);
      this.#marks.delete(path);
      this.#rotations.delete(path);
      for (const generation of ["", ".1", ".2", ".3"])
        for (const kind of ["", ".times"]) await rm(`${path}${generation}${kind}`, { force: true });
    }
  }

  /** Every line kept, in order of time, and where following goes on. */
  async readAll(id: ReplicaId): Promise<{ lines: StoredLine[]; cursors: Map<Stream, Cursor> }> {
    const lines: StoredLine[] = [];
    const cursors = new Map<Stream, Cursor>();
    for (const stream of streams) {
      const path = this.pathOf(id, stream);
      for (const generation of [".3", ".2", ".1"])
        if (existsSync(path + generation)) {
          const content = await readFile(path + generation);
          lines.push(...this.#split(path + generation, stream, content, 0).lines);
        }
      const cursor = { offset: 0, rest: Buffer.alloc(0) };
      lines.push(...(await this.readNew(id, stream, cursor)));
      if (cursor.rest.length > 0)
        lines.push({ stream, at: this.#timeOf(path, cursor.offset), text: cursor.rest.toString("utf8") });
      cursors.set(stream, cursor);
    }
    return { lines: lines.sort((a, b) => a.at - b.at), cursors };
  }

  /** Whole lines since the cursor, which is moved on. A file that became shorter was rotated: starts anew. */
  async readNew(id: ReplicaId, stream: Stream, cursor: Cursor): Promise<StoredLine[]> {
    const path = this.pathOf(id, stream);
    if (this.#mark(path) < cursor.offset) Object.assign(cursor, { offset: 0, rest: Buffer.alloc(0) });
    return this.readPiece(path, stream, cursor);
  }

  /** The same of any file, at most so many bytes at once. */
  async readPiece(
    path: string,
    stream: Stream,
    cursor: Cursor,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<StoredLine[]> {
    const size = /\.\d$/.test(path) ? sizeOf(path) : this.#mark(path);
    if (size <= cursor.offset) return [];
    const fresh = await readRange(path, cursor.offset, Math.min(size, cursor.offset + limit));
    const start = cursor.offset - cursor.rest.length;
    const { lines, rest } = this.#split(path, stream, Buffer.concat([cursor.rest, fresh]), start);
    Object.assign(cursor, { offset: cursor.offset + fresh.length, rest });
    return lines;
  }

  /** How often this stream's file was emptied into `.1` by this process. */
  rotationsOf(id: ReplicaId, stream: Stream): number {
    return this.#rotations.get(this.pathOf(id, stream)) ?? 0;
  }

  /** A place in the file with no line of `since` or later before it; `undefined` when all of it is older. */
  placeOf(path: string, since: number): number | undefined {
    const marks = this.#marksOf(path);
    const first = marks.findIndex((mark) => mark.at >= since);
    if (first < 0 && /\.\d$/.test(path)) return undefined;
    // A mark may stand within a line: one more of them is before the line's beginning.
    const before = marks[(first < 0 ? marks.length : first) - 2];
    return before?.offset ?? 0;
  }

  /** When the file had grown to what it is. */
  lastChangeOf(path: string): number {
    return this.#marksOf(path).at(-1)?.at ?? 0;
  }

  pathOf(id: ReplicaId, stream: Stream): string {
    return join(this.#folder, `${id}.${suffixes[stream]}`);
  }

  #split(
    path: string,
    stream: Stream,
    content: Buffer,
    start: number,
  ): { lines: StoredLine[]; rest: Buffer } {
    const lines: StoredLine[] = [];
    let from = 0;
    while (from < content.length) {
      const newline = content.indexOf(10, from);
      const whole = newline !== -1;
      if (!whole && content.length - from < longestLine) break;
      const to = Math.min(whole ? newline : content.length, from + longestLine);
      const text = content.toString("utf8", from, to).replace(/\r$/, "");
      lines.push({ stream, at: this.#timeOf(path, start + to), text });
      from = to === newline ? to + 1 : to;
    }
    return { lines, rest: content.subarray(from) };
  }

  /** Notes how far the file has grown, and returns its size. Synchronous, so that no two marks overtake each other. */
  #mark(path: string): number {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return 0;
    const marks = this.#marksOf(path);
    const last = marks.at(-1)?.offset ?? 0;
    if (stat.size > last) {
      const mark = { offset: stat.size, at: Math.floor(stat.mtimeMs) };
      marks.push(mark);
      appendFileSync(`${path}.times`, `${mark.offset} ${mark.at}\n`, { mode: 0o600 });
    }
    return stat.size;
  }

  #marksOf(path: string): Mark[] {
    const known = this.#marks.get(path);
    if (known) return known;
    const text = existsSync(`${path}.times`) ? readFileSync(`${path}.times`, "utf8") : "";
    const marks = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ offset: Number(line.split(" ")[0]), at: Number(line.split(" ")[1]) }));
    this.#marks.set(path, marks);
    return marks;
  }

  #timeOf(path: string, end: number): number {
    const marks = this.#marksOf(path);
    let low = 0;
    let high = marks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((marks[middle]?.offset ?? 0) >= end) high = middle;
      else low = middle + 1;
    }
    return marks[low]?.at ?? 0;
  }

  async #rotate(path: string): Promise<void> {
    for (const [from, to] of [
      [".2", ".3"],
      [".1", ".2"],
    ])
      for (const kind of ["", ".times"])
        if (existsSync(`${path}${from}${kind}`)) await rename(`${path}${from}${kind}`, `${path}${to}${kind}`);
    await copyFile(path, `${path}.1`);
    await truncate(path, 0);
    await rename(`${path}.times`, `${path}.1.times`);
    for (const generation of ["", ".1", ".2", ".3"]) this.#marks.delete(path + generation);
    this.#rotations.set(path, (this.#rotations.get(path) ?? 0) + 1);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function readRange(path: string, from: number, to: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
