import { isOver, type Run, type RunId } from "../delivery/run.ts";
import type { RunBook } from "../delivery/run-book.ts";
import type { Clock } from "../lib/clock.ts";
import type { RunEvent } from "./contract/delivery.ts";
import type { StreamItem } from "./route.ts";

const pieceSize = 200;
const lookAgainMs = 2000;

/** A run's lines after `afterSeq`, then live, its changes between them, then its end. A slow client costs no memory. */
export async function* runEvents(
  { book, clock }: { book: RunBook; clock: Clock },
  id: RunId,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<StreamItem<RunEvent>, void, undefined> {
  let seen = afterSeq;
  let shown = "";
  let wake: () => void = () => undefined;
  const stop = book.onChange((changed) => changed === id && wake());
  try {
    while (!signal.aborted) {
      const rung = new Promise<void>((resolve) => {
        wake = resolve;
      });
      // The run before its lines: the last line is written before the end.
      const run = book.get(id);
      const lines = book.lines(id, seen, pieceSize);
      for (const line of lines) {
        seen = line.seq;
        yield { item: { type: "line", line }, id: String(line.seq), event: "line" };
      }
      if (lines.length === pieceSize) continue;
      if (!run) return;
      if (isOver(run.state)) {
        yield { item: { type: "end", run: viewRun(run) }, event: "end" };
        return;
      }
      const facts = JSON.stringify([run.state, run.phases.map(({ state, detail }) => [state, detail])]);
      if (facts !== shown) {
        shown = facts;
        yield { item: { type: "run", run: viewRun(run) }, event: "run" };
      }
      const early = new AbortController();
      const pause = clock.sleep(lookAgainMs, AbortSignal.any([signal, early.signal])).catch(() => undefined);
      await Promise.race([rung, pause]);
      early.abort();
    }
  } finally {
    stop();
  }
}

/** Without what only the engine reads. */
export function viewRun({ control: _control, phases, ...run }: Run): Omit<Run, "control"> {
  return { ...run, phases: phases.map(({ progress: _progress, ...phase }) => phase) };
}
