import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";

/** One unbroken stretch of a server's log. A restore, or a gap, begins the next one. */
export type LogLine = {
  id: string;
  scope: Scope;
  source: string;
  /** Of the server's files: a copy of them has the same. */
  system: string;
  timeline: number;
  fileBytes: number;
  since: number;
  /** Everything up to this moment lies here; epoch ms. */
  latest?: number;
  /** As text: numbers of this size are no JSON. */
  durable?: string;
  logBytes: number;
  /** It broke: the server has removed what follows. */
  brokenAt?: number;
  problem?: string;
};

/** All files of a server, from which its log leads on. */
export type BaseRecord = {
  id: string;
  scope: Scope;
  source: string;
  line: string;
  repository: string;
  snapshot: string;
  sizeBytes: number;
  start: string;
  /** From here on every moment can be brought back. */
  usableFrom: number;
};

export type NamedPoint = { name: string; at: number; line: string };

const [lines, bases, points] = ["log-lines", "log-bases", "log-points"];
const keptPoints = 200;

/** What is known of followed logs. */
export class LogBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  put(line: LogLine): void {
    this.#store.records.put(lines, `${prefixOf(line)}${line.id}`, line);
  }

  /** The one that was heard of last comes last: after an undo that is an older one again. */
  lines(of: { scope: Scope; source: string }): LogLine[] {
    const found = this.#store.records.list<LogLine>(lines, { prefix: prefixOf(of) });
    return found.map(({ value }) => value).sort((a, b) => (a.latest ?? a.since) - (b.latest ?? b.since));
  }

  putBase(base: BaseRecord): void {
    this.#store.records.put(bases, `${prefixOf(base)}${base.id}`, base);
  }

  /** Oldest first. */
  bases(of: { scope: Scope; source: string }): BaseRecord[] {
    const found = this.#store.records.list<BaseRecord>(bases, { prefix: prefixOf(of) });
    return found.map(({ value }) => value).sort((a, b) => a.usableFrom - b.usableFrom);
  }

  forget(base: BaseRecord): void {
    this.#store.records.remove(bases, `${prefixOf(base)}${base.id}`);
  }

  forgetLine(line: LogLine): void {
    this.#store.records.remove(lines, `${prefixOf(line)}${line.id}`);
  }

  putPoint(of: { scope: Scope; source: string }, point: NamedPoint): void {
    this.#store.records.put(points, `${prefixOf(of)}${point.at}-${point.name}`, point);
    for (const { key } of this.#points(of).slice(keptPoints)) this.#store.records.remove(points, key);
  }

  /** Newest first. */
  points(of: { scope: Scope; source: string }): NamedPoint[] {
    return this.#points(of).map(({ value }) => value);
  }

  #points(of: { scope: Scope; source: string }) {
    return this.#store.records.list<NamedPoint>(points, { prefix: prefixOf(of), newestFirst: true });
  }
}

function prefixOf({ scope, source }: { scope: Scope; source: string }): string {
  return `${scopeKey(scope)}/${source}/`;
}
