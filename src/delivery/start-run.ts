import type { Actor } from "../reconciler/engine.ts";
import { sourceError } from "../source/errors.ts";
import type { Sources } from "../source/port.ts";
import type { Store } from "../store/port.ts";
import type { Delivery } from "./delivery.ts";
import { fetchSource } from "./fetch-source.ts";
import type { Run, Trigger } from "./run.ts";

/** Finds the commit, fetched first when the source lives elsewhere, and queues its run. */
export async function startRun(
  parts: { delivery: Delivery; sources: Sources; store: Store },
  wish: {
    source: string;
    ref: string;
    environment: string;
    trigger: Trigger;
    services?: readonly string[];
    noCache?: boolean;
  },
  by: Actor,
  signal: AbortSignal,
): Promise<Run> {
  const { delivery, sources } = parts;
  const { source, ref, environment, trigger } = wish;
  const commit =
    (await fetchSource(parts, source, ref, signal)) ?? (await sources.resolve(source, ref, signal));
  if (commit === undefined) throw sourceError("SOURCE_COMMIT_UNKNOWN", `${source} has no ${ref}`);
  const { subject, author } = await sources.describe(source, commit, signal);
  const scope = { stack: source, environment };
  const services = wish.services === undefined ? {} : { services: wish.services };
  const own = { ...services, ...(wish.noCache ? { noCache: true } : {}) };
  return delivery.accept({ source, scope, ref, commit, subject, author, trigger, ...own }, by);
}
