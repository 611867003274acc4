import type { LineSource } from "../../match-line.ts";
import type { LogLevel } from "../../port.ts";
import { logLevels } from "../../port.ts";

/** A run of whole entries of one partition that is read, and later packed, as one. */
export type Frame = {
  /** In the plain text of the partition. */
  offset: number;
  length: number;
  /** Number of its first entry. */
  firstSeq: number;
  entries: number;
  minAt: number;
  maxAt: number;
  /** Sources that have a line in it. */
  sources: number[];
  /** The worst level in it, as an index of `logLevels`; their count when there is none. */
  worst: number;
};

export type Contents = { sources: readonly LineSource[]; frames: readonly Frame[] };

/** A frame that has grown to this is closed. */
export const frameBytes = 256 * 1024;

export function emptyFrame(offset: number, firstSeq: number): Frame {
  return {
    ...{ offset, length: 0, firstSeq, entries: 0 },
    minAt: Number.MAX_SAFE_INTEGER,
    maxAt: 0,
    sources: [],
    worst: logLevels.length,
  };
}

export function noteLine(
  frame: Frame,
  line: { source: number; at: number; level: LogLevel | undefined },
): void {
  if (line.at < frame.minAt) frame.minAt = line.at;
  if (line.at > frame.maxAt) frame.maxAt = line.at;
  if (!frame.sources.includes(line.source)) frame.sources.push(line.source);
  if (line.level === undefined) return;
  const level = logLevels.indexOf(line.level);
  if (level < frame.worst) frame.worst = level;
}

/** Puts what was written now behind the last frame, or begins a new one. */
export function addFrame(frames: Frame[], next: Frame): void {
  const last = frames.at(-1);
  if (last === undefined || last.length >= frameBytes) {
    frames.push(next);
    return;
  }
  frames[frames.length - 1] = {
    ...{ offset: last.offset, length: last.length + next.length },
    ...{ firstSeq: last.firstSeq, entries: last.entries + next.entries },
    minAt: Math.min(last.minAt, next.minAt),
    maxAt: Math.max(last.maxAt, next.maxAt),
    sources: [...new Set([...last.sources, ...next.sources])],
    worst: Math.min(last.worst, next.worst),
  };
}
