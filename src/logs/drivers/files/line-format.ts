import type { LineSource } from "../../match-line.ts";
import { type LogLevel, type LogLine, type LogStream, logLevels } from "../../port.ts";

/**
 * The text of a partition, one entry a line:
 *   `=<source>\t<service>\t<release>\t<replica>\t<stream>`   names a source, before its first line
 *   `<source>\t<time, base 36>\t<level>\t<request id>\t<text>`  a line; its number is that of the entry in the partition
 *   `@<JSON of positions>`   ends what was written at once; what follows the last of them was cut off
 */
const noLevel = "-";

export function sourceEntry(index: number, source: LineSource): string {
  const { service, release, replica, stream } = source;
  return `=${index.toString(36)}\t${service}\t${release}\t${replica}\t${stream}\n`;
}

export function lineEntry(index: number, line: LogLine): string {
  const level = line.level === undefined ? noLevel : String(logLevels.indexOf(line.level));
  const text = line.text.includes("\n") ? line.text.replaceAll("\n", " ") : line.text;
  return `${index.toString(36)}\t${line.at.toString(36)}\t${level}\t${line.requestId ?? ""}\t${text}\n`;
}

export function commitEntry(positions: Readonly<Record<string, string>>): string {
  return Object.keys(positions).length === 0 ? "@\n" : `@${JSON.stringify(positions)}\n`;
}

export function parseSource(entry: string): LineSource {
  const [, service = "", release = "", replica = "", stream = "stdout"] = entry.split("\t");
  return { service, release, replica, stream: stream as LogStream };
}

export function parseCommit(entry: string): Record<string, string> {
  return entry.length > 1 ? (JSON.parse(entry.slice(1)) as Record<string, string>) : {};
}

/** Where the parts of a line's entry lie within `raw`. */
export type EntryHead = {
  source: number;
  at: number;
  level: LogLevel | undefined;
  requestStart: number;
  textStart: number;
};

/** The head of the entry that begins at `start`; `undefined` when it is no line. */
export function parseHead(raw: string, start: number): EntryHead | undefined {
  const first = raw.charCodeAt(start);
  // "=" and "@"
  if (first === 61 || first === 64) return undefined;
  const source = raw.indexOf("\t", start);
  const at = raw.indexOf("\t", source + 1);
  const level = raw.indexOf("\t", at + 1);
  const request = raw.indexOf("\t", level + 1);
  if (source < 0 || at < 0 || level < 0 || request < 0) return undefined;
  return {
    source: Number.parseInt(raw.slice(start, source), 36),
    at: Number.parseInt(raw.slice(source + 1, at), 36),
    level: logLevels[raw.charCodeAt(at + 1) - 48],
    requestStart: level + 1,
    textStart: request + 1,
  };
}
