import { useSyncExternalStore } from "react";
import { ApiFailure, stream } from "./client.ts";
import { queryClient } from "./queries.ts";

export type LiveState = "connecting" | "live" | "away";

let state: LiveState = "connecting";
const listeners = new Set<() => void>();
const longestPauseMs = 10_000;

/** What an event makes old: the beginnings of the routes that show it. */
const touched = {
  deployment: ["GET /stacks", "GET /deployments", "GET /overview"],
  run: ["GET /runs"],
} as const;

/** Follows the events of the control plane until `signal` ends, across its restarts, and has what is shown asked again. */
export async function followEvents(signal: AbortSignal): Promise<void> {
  let pauseMs = 500;
  while (!signal.aborted) {
    try {
      for await (const event of stream("GET /events", { signal })) {
        pauseMs = 500;
        if (event.type === "hello") {
          // Whatever happened while nobody listened.
          if (state === "away") void queryClient.invalidateQueries();
          become("live");
        } else {
          const routes: readonly string[] = touched[event.topic];
          void queryClient.invalidateQueries({
            predicate: ({ queryKey: [route] }) =>
              typeof route === "string" && routes.some((beginning) => route.startsWith(beginning)),
          });
        }
      }
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 401) return;
    }
    if (signal.aborted) return;
    become("away");
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

function become(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

/** Whether events arrive. */
export function useLive(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}
