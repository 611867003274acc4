import type { Scope } from "../../../rollout/ids.ts";
import {
  hasUpperCase,
  type LineSource,
  levelMatches,
  type Span,
  sourceMatches,
  textMatcher,
} from "../../match-line.ts";
import { comparePlaces, type Place, placeText } from "../../place.ts";
import { type LogFilter, logLevels, type StoredLine } from "../../port.ts";
import type { Frame } from "./frame.ts";
import { parseHead } from "./line-format.ts";

export type Found = { line: StoredLine; place: Place };

/** What a search asks of the frames of one partition. */
export class FrameScan {
  readonly #filter: LogFilter;
  readonly #span: Span;
  readonly #scope: Scope;
  readonly #key: string;
  readonly #sources: readonly LineSource[];
  readonly #wanted: ReadonlySet<number>;
  readonly #matches: ReturnType<typeof textMatcher>;

  constructor(
    filter: LogFilter,
    span: Span,
    of: { scope: Scope; key: string; sources: readonly LineSource[] },
  ) {
    this.#filter = filter;
    this.#span = span;
    this.#scope = of.scope;
    this.#key = of.key;
    this.#sources = of.sources;
    this.#wanted = new Set(
      [...of.sources.keys()].filter((at) => sourceMatches(filter, sourceAt(of.sources, at))),
    );
    this.#matches = textMatcher(filter);
  }

  /** False when nothing in it can match: it need not be read. */
  canMatch(frame: Frame): boolean {
    const { since = 0, level } = this.#filter;
    const { from, to } = this.#span;
    return (
      frame.maxAt >= Math.max(since, from?.at ?? 0) &&
      frame.minAt <= to.at &&
      (level === undefined || frame.worst <= logLevels.indexOf(level)) &&
      frame.sources.some((source) => this.#wanted.has(source))
    );
  }

  /** All matching lines of a frame, in the order in which they were written. */
  lines(data: Buffer, frame: Frame): Found[] {
    const raw = data.toString("latin1");
    const next = nextCandidate(raw, this.#filter);
    const found: Found[] = [];
    let counted = 0;
    let seq = frame.firstSeq;
    for (let start = next(0); start >= 0 && start < raw.length; ) {
      for (let at = raw.indexOf("\n", counted); at >= 0 && at < start; at = raw.indexOf("\n", counted)) {
        seq += 1;
        counted = at + 1;
      }
      const newline = raw.indexOf("\n", start);
      const end = newline < 0 ? raw.length : newline;
      const line = this.#line(data, raw, { start, end, seq });
      if (line) found.push(line);
      start = next(end + 1);
    }
    return found;
  }

  #line(data: Buffer, raw: string, at: { start: number; end: number; seq: number }): Found | undefined {
    const head = parseHead(raw, at.start);
    if (head === undefined || !this.#wanted.has(head.source)) return undefined;
    if (head.at < (this.#filter.since ?? 0) || !levelMatches(this.#filter, head.level)) return undefined;
    const place = { at: head.at, scope: this.#key, seq: at.seq };
    const { from, to } = this.#span;
    if (comparePlaces(place, to) >= 0 || (from && comparePlaces(place, from) <= 0)) return undefined;
    const requestId = raw.slice(head.requestStart, head.textStart - 1);
    const text = data.toString("utf8", head.textStart, at.end);
    if (!this.#matches({ text, requestId })) return undefined;
    const line: StoredLine = {
      id: placeText(place),
      ...{ at: head.at, scope: this.#scope },
      ...sourceAt(this.#sources, head.source),
      ...(head.level === undefined ? {} : { level: head.level }),
      ...(requestId === "" ? {} : { requestId }),
      text,
    };
    return { line, place };
  }
}

function sourceAt(sources: readonly LineSource[], at: number): LineSource {
  return sources[at] ?? { service: "", release: "", replica: "", stream: "platform" };
}

/**
 * Gives the start of the next entry that may match, from a position on; -1 when there is none. A text of plain ASCII
 * is looked for in all of the frame at once; others line by line.
 */
function nextCandidate(raw: string, { text, requestId }: LogFilter): (from: number) => number {
  const needle = requestId ?? text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  if (needle === undefined || needle === "" || !/^[\x00-\x7f]*$/.test(needle)) return (from) => from;
  const exact = requestId !== undefined || hasUpperCase(needle);
  const hay = exact ? raw : raw.toLowerCase();
  return (from) => {
    const at = hay.indexOf(needle, from);
    return at < 0 ? -1 : hay.lastIndexOf("\n", at) + 1;
  };
}
