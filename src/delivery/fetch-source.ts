import type { Sources } from "../source/port.ts";
import type { Store } from "../store/port.ts";
import { sourceSecret } from "./source-secrets.ts";
import { sourceSettings } from "./source-settings.ts";

/** Brings a ref of the source's repository elsewhere here and answers its commit; undefined when it is pushed here. */
export async function fetchSource(
  { sources, store }: { sources: Sources; store: Store },
  source: string,
  ref: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { url, credential } = sourceSettings(store, source);
  if (url === undefined) return undefined;
  const secret = credential && sourceSecret(store, source, credential.secretName);
  const known = credential && secret !== undefined ? { credential: { kind: credential.kind, secret } } : {};
  return await sources.fetch(source, { url, ref, ...known }, signal);
}
