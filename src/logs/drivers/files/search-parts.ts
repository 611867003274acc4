import { join } from "node:path";
import { type Span, scopeMatches, spanOf } from "../../match-line.ts";
import { comparePlaces, placeText, startOf } from "../../place.ts";
import type { LogPage, LogSearch } from "../../port.ts";
import type { Contents, Frame } from "./frame.ts";
import type { OpenPart } from "./open-part.ts";
import { type Found, FrameScan } from "./scan-frame.ts";
import type { ScopeLog } from "./scope-log.ts";
import { type SealedPart, SealedReader } from "./sealed-part.ts";

/** One call reads so many plain bytes, then says where to go on: about a third of a second. */
const readLimit = 64 * 1024 * 1024;

/** A partition as one search sees it: what is written later is not in it. */
type Part = {
  log: ScopeLog;
  minAt: number;
  maxAt: number;
  contents: () => Promise<Contents | undefined>;
  read: (frame: Frame) => Promise<Buffer>;
  close: () => Promise<void>;
};

type Opened = { part: Part; scan: FrameScan; left: number };
type Waiting = { opened: Opened; frame: Frame };

/** The view that a search has of the partitions; taken in one turn, so that it is the state of one moment. */
export function viewOf(logs: Iterable<ScopeLog>, search: LogSearch): Part[] {
  const parts: Part[] = [];
  for (const log of logs) {
    if (!scopeMatches(search, log.key)) continue;
    for (const part of [...log.full, log.open]) if (part.maxAt > 0) parts.push(openView(log, part));
    for (const part of log.sealed) parts.push(sealedView(log, part));
  }
  return parts;
}

/** Goes through the frames in the order of time from one end, and stops when no other can hold a line of the page. */
export async function searchParts(
  view: readonly Part[],
  search: LogSearch,
  signal: AbortSignal,
): Promise<LogPage> {
  const span = spanOf(search);
  const { since = 0 } = search;
  const parts = view.filter(
    (part) => part.maxAt >= Math.max(since, span.from?.at ?? 0) && part.minAt <= span.to.at,
  );
  const walk = new Walk(parts, search, span);
  try {
    return await walk.run(signal);
  } finally {
    await walk.close();
  }
}

class Walk {
  readonly #search: LogSearch;
  readonly #span: Span;
  /** The next to look at is the last of each. */
  readonly #parts: Part[];
  #frames: Waiting[] = [];
  readonly #opened = new Set<Opened>();
  #found: Found[] = [];
  #read = 0;

  constructor(parts: readonly Part[], search: LogSearch, span: Span) {
    this.#search = search;
    this.#span = span;
    this.#parts = parts.toSorted((a, b) => this.#rank(b) - this.#rank(a));
  }

  async run(signal: AbortSignal): Promise<LogPage> {
    for (;;) {
      signal.throwIfAborted();
      const part = this.#parts.at(-1);
      const waiting = this.#frames.at(-1);
      const ranks = [part, waiting?.frame].flatMap((next) => (next ? [this.#rank(next)] : []));
      if (ranks.length === 0) return this.#page(false);
      const next = Math.min(...ranks);
      if (this.#isFull(next)) return this.#page(true);
      if (this.#read > readLimit && this.#moved(next)) return this.#cutShort(next);
      if (part && this.#rank(part) === next) await this.#openPart(part);
      else if (waiting) await this.#scanFrame(waiting);
    }
  }

  async close(): Promise<void> {
    for (const { part } of this.#opened) await part.close();
  }

  /** Smaller comes first. */
  #rank({ minAt, maxAt }: { minAt: number; maxAt: number }): number {
    return this.#span.forward ? minAt : -maxAt;
  }

  /** Enough lines, and none of what is left can stand among them. */
  #isFull(next: number): boolean {
    const { limit } = this.#search;
    if (this.#found.length < limit) return false;
    this.#sort();
    const last = this.#found[limit - 1];
    if (!last) return false;
    return this.#span.forward ? last.place.at < next : last.place.at > -next;
  }

  async #openPart(part: Part): Promise<void> {
    this.#parts.pop();
    const contents = await part.contents();
    if (!contents) return;
    const { scope, key } = part.log;
    const scan = new FrameScan(this.#search, this.#span, { scope, key, sources: contents.sources });
    const frames = contents.frames.filter((frame) => scan.canMatch(frame));
    const opened = { part, scan, left: frames.length };
    this.#opened.add(opened);
    if (frames.length === 0) await this.#done(opened);
    this.#frames.push(...frames.map((frame) => ({ opened, frame })));
    this.#frames.sort((a, b) => this.#rank(b.frame) - this.#rank(a.frame));
  }

  async #scanFrame({ opened, frame }: Waiting): Promise<void> {
    this.#frames.pop();
    const data = (await opened.part.read(frame)).subarray(0, frame.length);
    this.#read += data.length;
    for (const found of opened.scan.lines(data, frame)) this.#found.push(found);
    if (this.#found.length > 4 * this.#search.limit) this.#sort();
    opened.left -= 1;
    if (opened.left === 0) await this.#done(opened);
  }

  async #done(opened: Opened): Promise<void> {
    this.#opened.delete(opened);
    await opened.part.close();
  }

  /** Best first, and no more than a page and one: the one says that there is more. */
  #sort(): void {
    const turn = this.#span.forward ? 1 : -1;
    this.#found.sort((a, b) => turn * comparePlaces(a.place, b.place));
    this.#found = this.#found.slice(0, this.#search.limit + 1);
  }

  #page(more: boolean): LogPage {
    this.#sort();
    const found = this.#found.slice(0, this.#search.limit);
    const lines = found.map(({ line }) => line);
    const last = found.at(-1);
    const left = more || this.#found.length > this.#search.limit;
    if (!this.#span.forward) lines.reverse();
    return left && last ? { lines, next: placeText(last.place) } : { lines };
  }

  /** Going on from `next` would not read the same again. */
  #moved(next: number): boolean {
    const { forward, from, to } = this.#span;
    return forward ? from !== undefined && next > from.at : -next + 1 < to.at;
  }

  /** What lies before the next frame is complete; the rest is found by the next call. */
  #cutShort(next: number): LogPage {
    const { forward } = this.#span;
    const edge = startOf(forward ? next : -next + 1);
    const isComplete = ({ place }: Found) =>
      forward ? comparePlaces(place, edge) < 0 : comparePlaces(place, edge) >= 0;
    this.#found = this.#found.filter(isComplete);
    const page = this.#page(false);
    return page.next === undefined ? { ...page, next: placeText(edge) } : page;
  }
}

function openView(log: ScopeLog, part: OpenPart): Part {
  const { sources, frames, minAt, maxAt } = part;
  const contents = { sources: [...sources], frames: [...frames] };
  let sealed: SealedReader | undefined;
  return {
    ...{ log, minAt, maxAt },
    contents: async () => contents,
    read: async (frame) => {
      // Sealed or removed since the view was taken: then it is closed, and the packed file has the same frames.
      if (log.full.includes(part) || log.open === part) return part.read(frame);
      const packed = log.sealed.find(({ firstSeq }) => firstSeq === part.firstSeq);
      if (!packed) return Buffer.alloc(0);
      if (!sealed) {
        sealed = await SealedReader.open(join(log.folder, packed.file));
        await sealed?.contents();
      }
      return (await sealed?.read(frame)) ?? Buffer.alloc(0);
    },
    close: async () => sealed?.close(),
  };
}

function sealedView(log: ScopeLog, part: SealedPart): Part {
  let reader: SealedReader | undefined;
  return {
    ...{ log, minAt: part.minAt, maxAt: part.maxAt },
    contents: async () => {
      reader = await SealedReader.open(join(log.folder, part.file));
      return reader?.contents();
    },
    read: async (frame) => (await reader?.read(frame)) ?? Buffer.alloc(0),
    close: async () => reader?.close(),
  };
}
