import type { Store } from "../store/port.ts";

/** Deploy keys, tokens and webhook secrets of a source: like a stack's secrets, under an environment that no stack has. */
const collection = "source-secrets";
const environment = "@source";

export function putSourceSecret(store: Store, source: string, name: string, content: string): void {
  store.transaction(() => {
    const version = store.secrets.put({ stack: source, environment }, name, Buffer.from(content, "utf8"));
    store.records.put(collection, `${source}/${name}`, version);
  });
}

export function sourceSecret(store: Store, source: string, name: string): string | undefined {
  const version = store.records.get<string>(collection, `${source}/${name}`);
  const content = version && store.secrets.get({ stack: source, environment }, name, version);
  return content ? Buffer.from(content).toString("utf8") : undefined;
}

/** From now on nothing finds it. */
export function forgetSourceSecret(store: Store, source: string, name: string): void {
  store.records.remove(collection, `${source}/${name}`);
}
