import { scopeKey } from "../rollout/ids.ts";
import { type Place, parsePlace, startOf } from "./place.ts";
import type { LogSearch } from "./port.ts";
import { type LogFilter, type LogLevel, type LogLine, logLevels } from "./port.ts";

/** Of what the source is, without the line: decides over whole partitions. */
export type LineSource = Pick<LogLine, "service" | "release" | "replica" | "stream">;

export function scopeMatches(filter: LogFilter, scope: string): boolean {
  return filter.scopes === undefined || filter.scopes.some((wanted) => scopeKey(wanted) === scope);
}

export function sourceMatches(filter: LogFilter, source: LineSource): boolean {
  return (
    (filter.services === undefined || filter.services.includes(source.service)) &&
    (filter.release === undefined || filter.release === source.release) &&
    (filter.replica === undefined || filter.replica === source.replica) &&
    (filter.streams === undefined || filter.streams.includes(source.stream))
  );
}

export function levelMatches(filter: LogFilter, level: LogLevel | undefined): boolean {
  if (filter.level === undefined) return true;
  return level !== undefined && logLevels.indexOf(level) <= logLevels.indexOf(filter.level);
}

/** The text, its own matter of case settled: what lines are compared with. */
export function textMatcher(filter: LogFilter): (line: Pick<LogLine, "text" | "requestId">) => boolean {
  const { text, requestId } = filter;
  const exact = text !== undefined && hasUpperCase(text);
  const wanted = exact ? text : text?.toLowerCase();
  return (line) => {
    if (requestId !== undefined && line.requestId !== requestId && !line.text.includes(requestId))
      return false;
    return wanted === undefined || (exact ? line.text : line.text.toLowerCase()).includes(wanted);
  };
}

export function hasUpperCase(text: string): boolean {
  return text !== text.toLowerCase();
}

/** A filter as one question, for lines that are at hand. */
export function lineMatcher(filter: LogFilter): (line: LogLine) => boolean {
  const textOf = textMatcher(filter);
  const { since = 0, until = Number.POSITIVE_INFINITY } = filter;
  return (line) =>
    line.at >= since &&
    line.at < until &&
    sourceMatches(filter, line) &&
    levelMatches(filter, line.level) &&
    textOf(line);
}

/** Between which places a search looks, both exclusive but for the start of `since`, and from which end. */
export type Span = { from: Place | undefined; to: Place; forward: boolean };

/** @throws LOGS_CURSOR_INVALID */
export function spanOf(search: LogSearch): Span {
  const end = startOf(search.until ?? Number.MAX_SAFE_INTEGER);
  const from = search.after === undefined ? undefined : parsePlace(search.after);
  const before = search.before === undefined ? end : parsePlace(search.before);
  return { from, to: before.at < end.at ? before : end, forward: from !== undefined };
}
