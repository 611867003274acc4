import type { DeploymentId } from "../rollout/ids.ts";
import type { Deployment } from "../store/port.ts";
import type { DeploymentEvent } from "./contract/models.ts";
import type { ApiParts } from "./parts.ts";
import type { StreamItem } from "./route.ts";
import { viewDeployment } from "./views.ts";

const pieceSize = 200;
/** Another process may have written the entry; then nobody here is told. */
const lookAgainMs = 2000;

/**
 * A deployment's journal after `afterSeq`, then live, then its end. Read from the store piece by piece as the client
 * takes it: a slow client costs no memory and misses nothing.
 */
export async function* deploymentEvents(
  { store, clock }: Pick<ApiParts, "store" | "clock">,
  id: DeploymentId,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<StreamItem<DeploymentEvent>, void, undefined> {
  let seen = afterSeq;
  let wake: () => void = () => undefined;
  const stop = store.deployments.onAppend((entry) => {
    if (entry.deployment === id) wake();
  });
  try {
    while (!signal.aborted) {
      const rung = new Promise<void>((resolve) => {
        wake = resolve;
      });
      // The state before the entries: its last entry is written with it, so a finished one's journal is whole.
      const deployment = store.deployments.get(id);
      const entries = store.deployments.journal(id, seen, pieceSize);
      for (const entry of entries) {
        seen = entry.seq;
        yield { item: { type: "entry", entry }, id: String(entry.seq), event: "entry" };
      }
      if (entries.length > 0) continue;
      if (!deployment) return;
      if (isFinished(deployment)) {
        yield { item: { type: "end", deployment: viewDeployment(deployment) }, event: "end" };
        return;
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

function isFinished(deployment: Deployment): boolean {
  switch (deployment.state) {
    case "queued":
    case "running":
    case "returning":
      return false;
    case "succeeded":
    case "failed":
    case "aborted":
    case "superseded":
      return true;
  }
}
