import type { Clock } from "../../../lib/clock.ts";
import { scopeKey } from "../../../rollout/ids.ts";
import type { LogLine, LogQuery } from "../../port.ts";
import { type Cursor, type LogFiles, type StoredLine, streams } from "./log-files.ts";
import type { ReplicaRecord } from "./replica-records.ts";

/** How soon a follower sees a new line. */
const followMs = 200;

/** Lines of all replicas that the query names, in order of time; then what comes, new replicas included. */
export async function* readLogs(
  query: LogQuery,
  host: { records: () => readonly ReplicaRecord[]; logs: LogFiles; clock: Clock },
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const wanted = () =>
    host
      .records()
      .filter(
        (record) =>
          scopeKey(record.scope) === scopeKey(query.scope) &&
          (query.services?.includes(record.service) ?? true) &&
          (query.replica === undefined || query.replica === record.id),
      );
  const isRecent = (line: LogLine) => query.since === undefined || (line.at ?? 0) >= query.since;
  const cursors = new Map<string, Map<string, Cursor>>();
  const kept: LogLine[] = [];
  for (const record of wanted()) {
    const stored = await host.logs.readAll(record.id);
    cursors.set(record.id, stored.cursors);
    kept.push(...stored.lines.map((line) => lineOf(record, line)));
  }
  const recent = kept.filter(isRecent).sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  yield* query.tail === undefined ? recent : recent.slice(Math.max(0, recent.length - query.tail));
  while (query.follow && !signal.aborted) {
    for (const record of wanted()) {
      const known = cursors.get(record.id) ?? new Map<string, Cursor>();
      cursors.set(record.id, known);
      for (const stream of streams) {
        const cursor = known.get(stream) ?? { offset: 0, rest: Buffer.alloc(0) };
        known.set(stream, cursor);
        for (const line of await host.logs.readNew(record.id, stream, cursor)) yield lineOf(record, line);
      }
    }
    // Rejects when the reader has had enough, which ends the loop.
    await host.clock.sleep(followMs, signal).catch(() => undefined);
  }
}

function lineOf(record: ReplicaRecord, line: StoredLine): LogLine {
  return { replica: record.id, service: record.service, ...line };
}
