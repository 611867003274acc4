import type { DockerHost } from "./host.ts";
import { label } from "./labels.ts";
import { restoreAddresses } from "./resources.ts";

/** Waits between attempts to listen again, growing to this. */
const slowestRetryMs = 5_000;
const firstRetryMs = 200;

/** What changes a replica; the engine's many `exec_*` events of health checks do not. */
const events = ["create", "start", "restart", "die", "stop", "kill", "oom", "destroy", "pause", "unpause"];

/**
 * Nudges on every change of our containers. When the connection to the engine is lost it listens again and nudges, as
 * anything may have happened meanwhile. Each time it is connected it puts the service addresses back: a restart of the
 * engine or the machine may have dropped them.
 */
export async function watchEvents(
  host: DockerHost,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  const filters = JSON.stringify({
    type: ["container"],
    event: events,
    label: [`${label.managedBy}=${host.owner}`],
  });
  let retryMs = firstRetryMs;
  let firstAttempt = true;
  while (!signal.aborted) {
    try {
      const answer = await host.client.stream({
        method: "GET",
        dedicated: true,
        path: "/events",
        query: { filters },
        signal,
      });
      retryMs = firstRetryMs;
      host.inspections.listen();
      await restore(host, signal);
      if (!firstAttempt && !signal.aborted) onChange();
      firstAttempt = false;
      for await (const _event of answer) {
        if (signal.aborted) return;
        host.inspections.clear();
        onChange();
      }
    } catch {
      // The engine is away; the callers' own calls report that. Here it is only a reason to try again.
    } finally {
      host.inspections.deaf();
    }
    firstAttempt = false;
    if (signal.aborted) return;
    try {
      await host.clock.sleep(retryMs, signal);
    } catch {
      return;
    }
    retryMs = Math.min(retryMs * 2, slowestRetryMs);
  }
}

async function restore(host: DockerHost, signal: AbortSignal): Promise<void> {
  try {
    await restoreAddresses(host, signal);
  } catch {
    // Watching must go on; the next `ensureResources` does the same and reports why it cannot.
  }
}
