import { scopeKey } from "../rollout/ids.ts";
import { lineMatcher, scopeMatches } from "./match-line.ts";
import { type LogFilter, type LogStore, type StoredLine, searchLimit } from "./port.ts";

/** A slow reader's lines wait here, this many at most. */
const queueLimit = 5000;
/** So many pages are read to find the last lines of a rare filter; then only new ones are shown. */
const historyPages = 4;

type Follower = {
  matches: (line: StoredLine) => boolean;
  queue: StoredLine[];
  left: number;
  wake: () => void;
};

/** The readers of one store that wait for new lines. Shared by the drivers. */
export class Followers {
  readonly #all = new Set<Follower>();

  get active(): boolean {
    return this.#all.size > 0;
  }

  publish(line: StoredLine): void {
    for (const follower of this.#all) {
      if (!follower.matches(line)) continue;
      if (follower.queue.length >= queueLimit) follower.left += 1;
      else follower.queue.push(line);
      follower.wake();
    }
  }

  /**
   * History and live lines without a gap or a double: the follower is entered in the same turn in which the search
   * takes its view of the store.
   */
  async *follow(
    search: LogStore["search"],
    { filter, tail }: { filter: LogFilter; tail: number },
    signal: AbortSignal,
  ): AsyncGenerator<StoredLine, void, undefined> {
    if (signal.aborted) return;
    const follower = followerOf(filter);
    this.#all.add(follower);
    const stop = () => follower.wake();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const history = await lastLines(search, filter, tail, signal);
      const seen = new Set(history.map((line) => line.id));
      yield* history;
      while (!signal.aborted) {
        const { queue, left } = follower;
        follower.queue = [];
        follower.left = 0;
        for (const line of queue) if (!seen.has(line.id)) yield line;
        const last = queue.at(-1);
        if (left > 0 && last) yield leftOut(last, left);
        if (follower.queue.length === 0 && !signal.aborted) await nextWake(follower);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#all.delete(follower);
      signal.removeEventListener("abort", stop);
    }
  }
}

function followerOf(filter: LogFilter): Follower {
  const ofLine = lineMatcher(filter);
  return {
    matches: (line) => scopeMatches(filter, scopeKey(line.scope)) && ofLine(line),
    queue: [],
    left: 0,
    wake: () => undefined,
  };
}

function nextWake(follower: Follower): Promise<void> {
  return new Promise((resolve) => {
    follower.wake = resolve;
  });
}

async function lastLines(
  search: LogStore["search"],
  filter: LogFilter,
  tail: number,
  signal: AbortSignal,
): Promise<StoredLine[]> {
  let lines: StoredLine[] = [];
  if (tail <= 0) return lines;
  const wanted = Math.min(tail, searchLimit);
  let before: string | undefined;
  for (let page = 0; page < historyPages; page += 1) {
    const limit = wanted - lines.length;
    const found = await search({ ...filter, limit, ...(before === undefined ? {} : { before }) }, signal);
    lines = [...found.lines, ...lines];
    before = found.next;
    if (before === undefined || lines.length >= wanted) break;
  }
  return lines;
}

function leftOut(last: StoredLine, count: number): StoredLine {
  const { id, at, scope, service, release, replica } = last;
  const text = `${count} lines left out: this reader is slower than the lines`;
  return { id, at, scope, service, release, replica, stream: "platform", level: "warn", text };
}
