import type { RunId } from "../delivery/run.ts";
import type { DeploymentId, Scope } from "../rollout/ids.ts";
import type { PageEvent } from "./contract/pages.ts";
import type { ApiParts } from "./parts.ts";
import type { StreamItem } from "./route.ts";

/** News of one thing closer together than this is told once: a chatty job must not make a page ask all the time. */
const gatherMs = 200;

/**
 * What changes from now on. Only names are kept while the client is slow, each once, so it costs no memory; who missed
 * something reads everything again when it connects.
 */
export async function* pageEvents(
  { store, delivery, clock, version }: Pick<ApiParts, "store" | "delivery" | "clock" | "version">,
  signal: AbortSignal,
  sees: (scope: Scope) => boolean,
): AsyncGenerator<StreamItem<PageEvent>, void, undefined> {
  const deployments = new Set<DeploymentId>();
  const runs = new Set<RunId>();
  let wake: () => void = () => undefined;
  const stops = [
    store.deployments.onAppend((entry) => {
      deployments.add(entry.deployment);
      wake();
    }),
    delivery.book.onChange((id) => {
      runs.add(id);
      wake();
    }),
  ];
  const ended = () => wake();
  signal.addEventListener("abort", ended, { once: true });
  try {
    yield { item: { type: "hello", version }, event: "hello" };
    while (!signal.aborted) {
      if (deployments.size + runs.size === 0) await new Promise<void>((resolve) => (wake = resolve));
      for (const item of taken(store, delivery, { deployments, runs }))
        if (item.scope !== undefined && sees(item.scope)) yield { item, event: item.type };
      await clock.sleep(gatherMs, signal).catch(() => undefined);
    }
  } finally {
    signal.removeEventListener("abort", ended);
    for (const stop of stops) stop();
  }
}

function taken(
  store: ApiParts["store"],
  delivery: ApiParts["delivery"],
  { deployments, runs }: { deployments: Set<DeploymentId>; runs: Set<RunId> },
): Extract<PageEvent, { type: "changed" }>[] {
  const items: Extract<PageEvent, { type: "changed" }>[] = [];
  for (const id of deployments) {
    const scope = store.deployments.get(id)?.scope;
    items.push({ type: "changed", topic: "deployment", id, ...(scope === undefined ? {} : { scope }) });
  }
  for (const id of runs) {
    const scope = delivery.book.get(id)?.scope;
    items.push({ type: "changed", topic: "run", id, ...(scope === undefined ? {} : { scope }) });
  }
  deployments.clear();
  runs.clear();
  return items;
}
