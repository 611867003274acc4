import type { LogLine, LogStore } from "../logs/port.ts";
import { levelOfLine, requestIdOfLine } from "../policy/log-line.ts";
import type { ObservedReplica, LogLine as PrintedLine, Runtime } from "../runtime/port.ts";
import { LineBudget } from "./line-budget.ts";
import type { CollectorParts } from "./parts.ts";
import { ReadPosition } from "./read-position.ts";

/** A longer line is cut, behind the masking. */
const longestLine = 16 * 1024;
/** A marker for dropped lines comes this often at most. */
const markerMs = 1000;

/** Reads one replica into the store until it ends. Lines that come in one turn of the event loop are stored as one. */
export class ReplicaReader {
  readonly #parts: CollectorParts;
  readonly #replica: ObservedReplica;
  readonly #position: ReadPosition;
  readonly #budget: LineBudget;
  #waiting: LogLine[] = [];
  #scheduled = false;
  #marker: NodeJS.Timeout | undefined;

  constructor(parts: CollectorParts, replica: ObservedReplica) {
    this.#parts = parts;
    this.#replica = replica;
    this.#position = new ReadPosition(parts.logs.positions(replica.scope)[replica.id]);
    this.#budget = new LineBudget(parts.limits, parts.clock.now());
  }

  async run(signal: AbortSignal): Promise<void> {
    const { scope, id } = this.#replica;
    const { since } = this.#position;
    this.#parts.expect?.(scope, this.#replica.release);
    const query: Parameters<Runtime["logs"]>[0] = { scope, replica: id, follow: true, untilEnd: true };
    try {
      const lines = this.#parts.runtime.logs(since === undefined ? query : { ...query, since }, signal);
      for await (const line of lines) this.#take(line);
    } finally {
      this.#mark();
      this.#store();
    }
  }

  #take(line: PrintedLine): void {
    const now = this.#parts.clock.now();
    const at = line.at ?? now;
    if (!this.#position.take(line.stream, at)) return;
    this.#schedule();
    if (!this.#budget.take(line.text.length, now)) {
      this.#marker ??= setTimeout(() => this.#mark(), markerMs).unref();
      return;
    }
    const masked = this.#parts.mask(this.#replica.scope, line.text);
    const text =
      masked.length <= longestLine
        ? masked
        : `${masked.slice(0, longestLine)} … ${masked.length - longestLine} more characters`;
    const level = levelOfLine(text);
    const requestId = requestIdOfLine(text);
    this.#waiting.push({
      ...{ at, ...this.#source, stream: line.stream, text },
      ...(level === undefined ? {} : { level }),
      ...(requestId === undefined ? {} : { requestId }),
    });
  }

  get #source(): Pick<LogLine, "service" | "release" | "replica"> {
    const { service, release, id } = this.#replica;
    return { service, release, replica: id };
  }

  #mark(): void {
    clearTimeout(this.#marker);
    this.#marker = undefined;
    const dropped = this.#budget.takeDropped();
    if (dropped === 0) return;
    const { linesPerSecond, bytesPerSecond } = this.#parts.limits;
    const text =
      `${dropped} lines dropped here: more than ${linesPerSecond} lines ` +
      `or ${Math.round(bytesPerSecond / 1024)} KiB a second`;
    const at = this.#parts.clock.now();
    this.#waiting.push({ at, ...this.#source, stream: "platform", level: "warn", text });
    this.#store();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#store());
  }

  #store(): void {
    const lines = this.#waiting;
    if (!this.#scheduled && lines.length === 0) return;
    this.#scheduled = false;
    this.#waiting = [];
    const { scope, id } = this.#replica;
    const batch: Parameters<LogStore["append"]>[0] = {
      scope,
      lines,
      positions: { [id]: this.#position.text },
    };
    this.#parts.logs.append(batch);
  }
}
