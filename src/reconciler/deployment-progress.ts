import type { ResolvedImage } from "../runtime/port.ts";
import type { JournalEntry } from "../store/port.ts";

/** What the journal of a deployment says: the state that survives a crash of the control plane. */
export type Progress = {
  /** Steps finished in the present direction (forward, or returning). */
  done: ReadonlySet<string>;
  /** Service -> image that this deployment resolved. */
  images: Readonly<Record<string, ResolvedImage>>;
  /** Key -> first start, so that a wait or a canary stage goes on where it was. */
  startedAt: ReadonlyMap<string, number>;
  /** Key -> how often it was started; a step that never settles is caught by this. */
  attempts: ReadonlyMap<string, number>;
};

export function progressOf(journal: readonly JournalEntry[]): Progress {
  let done = new Set<string>();
  let startedAt = new Map<string, number>();
  let attempts = new Map<string, number>();
  const images: Record<string, ResolvedImage> = {};
  for (const entry of journal) {
    switch (entry.event) {
      case "stateChanged":
        if (entry.state === "returning") {
          done = new Set();
          startedAt = new Map();
          attempts = new Map();
        }
        break;
      case "stepStarted":
        if (!startedAt.has(entry.key)) startedAt.set(entry.key, entry.at);
        attempts.set(entry.key, (attempts.get(entry.key) ?? 0) + 1);
        break;
      case "stepDone":
        done.add(entry.key);
        startedAt.delete(entry.key);
        if (entry.result?.kind === "image" && entry.step.kind === "ensureImage") {
          const { kind: _kind, ...image } = entry.result;
          images[entry.step.service] = image;
        }
        break;
      case "stepFailed":
        startedAt.delete(entry.key);
        // What did not become ready is started anew when the way back is tried again.
        if (entry.step.kind === "waitReady") done.delete(`startReplica:${entry.step.replica}`);
        break;
      case "output":
        break;
    }
  }
  return { done, images, startedAt, attempts };
}
