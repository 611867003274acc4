import { useEffect, useState } from "react";
import type { DeploymentView, JournalEntryView } from "../../../../src/api/contract/models.ts";
import { ApiFailure, stream } from "../../api/client.ts";

type StepEntry = Extract<JournalEntryView, { event: "stepStarted" }>;

/** One step as the page shows it. */
export type StepLine = {
  key: string;
  step: StepEntry["step"];
  wave: number;
  state: "running" | "done" | "failed";
  startedAt: number;
  durationMs?: number;
  result?: Extract<JournalEntryView, { event: "stepDone" }>["result"];
  failure?: Extract<JournalEntryView, { event: "stepFailed" }>["failure"];
  output: string[];
};

export type Journal = {
  steps: readonly StepLine[];
  total: number;
  /** Words of the state changes, in order. */
  notes: readonly { at: number; message: string }[];
  ended?: DeploymentView;
};

const outputLimit = 500;
const empty: Journal = { steps: [], total: 0, notes: [] };

/** The journal of a deployment as it grows, from its beginning, across restarts of the control plane. */
export function useJournal(id: string): Journal {
  const [journal, setJournal] = useState<Journal>(empty);
  useEffect(() => {
    const end = new AbortController();
    void follow(id, end.signal, setJournal);
    return () => end.abort();
  }, [id]);
  return journal;
}

async function follow(id: string, signal: AbortSignal, show: (journal: Journal) => void): Promise<void> {
  while (!signal.aborted) {
    let journal = empty;
    // A journal of hundreds of entries arrives at once: one picture for all of them.
    let drawn = 0;
    const draw = () => {
      if (drawn === 0)
        drawn = requestAnimationFrame(() => {
          drawn = 0;
          show(journal);
        });
    };
    try {
      for await (const event of stream("GET /deployments/:id/events", { params: { id }, signal })) {
        journal =
          event.type === "end" ? { ...journal, ended: event.deployment } : withEntry(journal, event.entry);
        draw();
      }
      if (journal.ended) return;
    } catch (error) {
      if (signal.aborted || (error instanceof ApiFailure && error.status >= 400)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** The journal with one more entry. */
export function withEntry(journal: Journal, entry: JournalEntryView): Journal {
  switch (entry.event) {
    case "stepStarted": {
      const { key, step, wave, at } = entry;
      const fresh: StepLine = { key, step, wave, state: "running", startedAt: at, output: [] };
      return {
        ...journal,
        total: Math.max(journal.total, entry.total),
        // A step that is run again, after a crash or an error that passed, takes the place of its first try.
        steps: [...journal.steps.filter((line) => line.key !== key), fresh],
      };
    }
    case "stepDone":
      return changed(journal, entry.key, (line) => ({
        ...line,
        state: "done",
        durationMs: entry.durationMs,
        ...(entry.result === undefined ? {} : { result: entry.result }),
      }));
    case "stepFailed":
      return changed(journal, entry.key, (line) => ({
        ...line,
        state: "failed",
        durationMs: entry.durationMs,
        failure: entry.failure,
      }));
    case "output":
      return changed(journal, entry.key, (line) => ({
        ...line,
        output: [...line.output.slice(1 - outputLimit), entry.line],
      }));
    case "stateChanged":
      return { ...journal, notes: [...journal.notes, { at: entry.at, message: entry.message }] };
  }
}

function changed(journal: Journal, key: string, change: (line: StepLine) => StepLine): Journal {
  return { ...journal, steps: journal.steps.map((line) => (line.key === key ? change(line) : line)) };
}
