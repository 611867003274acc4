import { formatSeconds } from "../lib/duration.ts";
import { doneWords, stepWords } from "../rollout/step-words.ts";
import type { JournalEntry } from "../store/port.ts";

/** What a pusher sees of a deployment's journal; undefined for entries that say nothing new. */
export function lineOf(entry: JournalEntry): string | undefined {
  switch (entry.event) {
    case "stepDone":
      return `✓ ${doneWords(entry.step)}  ${timeOf(entry.durationMs)}`;
    case "stepFailed":
      return `✗ ${stepWords(entry.step)}  ${timeOf(entry.durationMs)}: ${entry.failure.message}`;
    case "stateChanged":
      return entry.state === "running" ? undefined : `• ${entry.message}`;
    case "output":
      return `  | ${entry.line}`;
    case "stepStarted":
      return undefined;
  }
}

function timeOf(ms: number): string {
  return formatSeconds(ms / 1000);
}
