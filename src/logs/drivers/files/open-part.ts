import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { LineSource } from "../../match-line.ts";
import type { LogLine } from "../../port.ts";
import { addFrame, emptyFrame, type Frame, noteLine } from "./frame.ts";
import { commitEntry, lineEntry, parseCommit, parseHead, parseSource, sourceEntry } from "./line-format.ts";

const readBytes = 1024 * 1024;

/**
 * The partition that lines are added to: a plain file, written once a second, each time ended by a commit entry.
 * What a killed process left behind the last commit is cut off when the file is opened again.
 */
export class OpenPart {
  readonly path: string;
  readonly firstSeq: number;
  readonly sources: LineSource[] = [];
  readonly frames: Frame[] = [];
  readonly positions: Record<string, string> = {};
  /** What is on disk, to the last commit. */
  bytes = 0;
  entries = 0;
  /** Epoch ms at which the file was made. */
  readonly bornAt: number;
  readonly #descriptor: number;
  readonly #sourceIds = new Map<string, number>();
  #durableSources = 0;
  #pending: string[] = [];
  #pendingLength = 0;
  #frame: Frame;
  #dirty: Record<string, string> = {};

  /** Makes the file, or reads the one that is there. */
  constructor(folder: string, firstSeq: number, now: number) {
    this.firstSeq = firstSeq;
    this.path = join(folder, openName(firstSeq));
    this.#descriptor = openSync(this.path, "a+", 0o600);
    this.#frame = emptyFrame(0, firstSeq);
    this.#recover();
    this.bornAt = this.bytes === 0 ? now : fstatSync(this.#descriptor).birthtimeMs;
  }

  get nextSeq(): number {
    return this.firstSeq + this.entries + this.#pending.length;
  }

  /** Characters that wait to be written. */
  get pendingLength(): number {
    return this.#pendingLength;
  }

  get minAt(): number {
    return this.frames.reduce((min, frame) => Math.min(min, frame.minAt), Number.MAX_SAFE_INTEGER);
  }

  get maxAt(): number {
    return this.frames.reduce((max, frame) => Math.max(max, frame.maxAt), 0);
  }

  /** Answers the line's number. */
  add(line: LogLine): number {
    const source = this.#sourceOf(line);
    const seq = this.nextSeq;
    this.#push(lineEntry(source, line));
    noteLine(this.#frame, { source, at: line.at, level: line.level });
    return seq;
  }

  note(positions: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(positions)) {
      this.#dirty[key] = value;
      if (value === "") delete this.positions[key];
      else this.positions[key] = value;
    }
  }

  /** Writes what waits, with its commit. When that fails, nothing of it is kept. @throws what the system says */
  flush(): void {
    if (this.#pending.length === 0 && Object.keys(this.#dirty).length === 0) return;
    this.#push(commitEntry(this.#dirty));
    const data = Buffer.from(this.#pending.join(""));
    const entries = this.#pending.length;
    const frame = this.#frame;
    try {
      for (let written = 0; written < data.length; )
        written += writeSync(this.#descriptor, data, written, data.length - written);
    } catch (error) {
      this.#cutBack();
      throw error;
    }
    addFrame(this.frames, { ...frame, offset: this.bytes, length: data.length, entries });
    this.bytes += data.length;
    this.entries += entries;
    this.#durableSources = this.sources.length;
    this.#dirty = {};
    this.#clear();
  }

  /** The plain bytes of a frame. */
  read(frame: Frame): Buffer {
    const buffer = Buffer.alloc(frame.length);
    return buffer.subarray(0, readSync(this.#descriptor, buffer, 0, frame.length, frame.offset));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  remove(): void {
    this.close();
    unlinkSync(this.path);
  }

  #push(entry: string): void {
    this.#pending.push(entry);
    this.#pendingLength += entry.length;
  }

  #clear(): void {
    this.#pending = [];
    this.#pendingLength = 0;
    this.#frame = emptyFrame(this.bytes, this.firstSeq + this.entries);
  }

  /** Positions stay dirty: they tell what was read, and that much is lost. */
  #cutBack(): void {
    for (const source of this.sources.splice(this.#durableSources)) this.#sourceIds.delete(keyOf(source));
    this.#clear();
    ftruncateSync(this.#descriptor, this.bytes);
  }

  #sourceOf(line: LineSource): number {
    const known = this.#sourceIds.get(keyOf(line));
    if (known !== undefined) return known;
    const { service, release, replica, stream } = line;
    const index = this.#addSource({ service, release, replica, stream });
    this.#push(sourceEntry(index, line));
    return index;
  }

  #addSource(source: LineSource): number {
    const index = this.sources.push(source) - 1;
    this.#sourceIds.set(keyOf(source), index);
    return index;
  }

  /** Goes through the file once, a piece at a time. */
  #recover(): void {
    let rest = "";
    let at = 0;
    const chunk = Buffer.alloc(readBytes);
    for (;;) {
      const count = readSync(this.#descriptor, chunk, 0, chunk.length, at);
      if (count === 0) break;
      at += count;
      rest = this.#recoverEntries(rest + chunk.toString("latin1", 0, count));
    }
    if (at > this.bytes) ftruncateSync(this.#descriptor, this.bytes);
    this.#durableSources = this.sources.length;
    this.#clear();
  }

  /** Takes over whole commits; answers what comes behind the last of them. One byte is one character here. */
  #recoverEntries(raw: string): string {
    let taken = 0;
    for (;;) {
      const commit = findCommit(raw, taken);
      if (commit === undefined) return raw.slice(taken);
      const frame = emptyFrame(this.bytes, this.firstSeq + this.entries);
      let start = taken;
      while (start < commit.end) {
        this.#recoverEntry(raw, start, frame);
        frame.entries += 1;
        start = raw.indexOf("\n", start) + 1;
      }
      frame.length = commit.end - taken;
      this.note(parseCommit(utf8(raw.slice(commit.start, commit.end - 1))));
      this.#dirty = {};
      addFrame(this.frames, frame);
      this.bytes += frame.length;
      this.entries += frame.entries;
      taken = commit.end;
    }
  }

  #recoverEntry(raw: string, start: number, frame: Frame): void {
    if (raw.charCodeAt(start) === 61) {
      this.#addSource(parseSource(utf8(raw.slice(start, raw.indexOf("\n", start)))));
      return;
    }
    const head = parseHead(raw, start);
    if (head) noteLine(frame, head);
  }
}

export function openName(firstSeq: number): string {
  return `${firstSeq.toString(36).padStart(9, "0")}.open`;
}

function keyOf({ service, release, replica, stream }: LineSource): string {
  return `${service}\t${release}\t${replica}\t${stream}`;
}

function utf8(raw: string): string {
  return Buffer.from(raw, "latin1").toString("utf8");
}

/** The next complete commit entry at or behind `from`. */
function findCommit(raw: string, from: number): { start: number; end: number } | undefined {
  const start = raw[from] === "@" ? from : raw.indexOf("\n@", from) + 1;
  if (start === 0 && raw[from] !== "@") return undefined;
  const end = raw.indexOf("\n", start) + 1;
  return end === 0 ? undefined : { start, end };
}
