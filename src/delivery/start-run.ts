import type { Actor } from "../reconciler/engine.ts";
import { sourceError } from "../source/errors.ts";
import type { Sources } from "../source/port.ts";
import type { Store } from "../store/port.ts";
import type { Delivery } from "./delivery.ts";
import type { Run, Trigger } from "./run.ts";
import { sourceSettings } from "./source-settings.ts";

/** Finds the commit, fetched first when the source lives elsewhere, and queues its run. */
export async function startRun(
  parts: { delivery: Delivery; sources: Sources; store: Store },
  wish: { source: string; ref: string; environment: string; trigger: Trigger },
  by: Actor,
  signal: AbortSignal,
): Promise<Run> {
  const { delivery, sources } = parts;
  const { source, ref, environment, trigger } = wish;
  const commit = (await fetched(parts, wish, signal)) ?? (await sources.resolve(source, ref, signal));
  if (commit === undefined) throw sourceError("SOURCE_COMMIT_UNKNOWN", `${source} has no ${ref}`);
  const { subject, author } = await sources.describe(source, commit, signal);
  const scope = { stack: source, environment };
  return delivery.accept({ source, scope, ref, commit, subject, author, trigger }, by);
}

async function fetched(
  { sources, store }: { sources: Sources; store: Store },
  { source, ref }: { source: string; ref: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { url, credential } = sourceSettings(store, source);
  if (url === undefined) return undefined;
  const secret = credential && sourceSecret(store, source, credential.secretName);
  return await sources.fetch(
    source,
    {
      url,
      ref,
      ...(credential && secret !== undefined ? { credential: { kind: credential.kind, secret } } : {}),
    },
    signal,
  );
}

/** Deploy keys and tokens of a source are kept like a stack's secrets, under an environment that no stack has. */
function sourceSecret(store: Store, source: string, name: string): string | undefined {
  const version = store.records.get<string>("source-secrets", `${source}/${name}`);
  const content = version && store.secrets.get({ stack: source, environment: "@source" }, name, version);
  return content ? Buffer.from(content).toString("utf8") : undefined;
}
