import type { StoredBlob } from "../registry/port.ts";
import type { Scope } from "../rollout/ids.ts";
import { canonicalRepository } from "../stack/image-reference.ts";
import type { Store } from "../store/port.ts";

/** One move of a tag, kept for ever within a limit. */
export type TagMove = { at: number; by: string; reason: string; from?: string; to: string };

/** A tag that was pushed from here. */
export type TagRecord = {
  repository: string;
  tag: string;
  /** `version`: never moves; `alias`: points at one version after the other. */
  kind: "version" | "alias";
  /** In the registry. */
  digest: string;
  /** On the host that built it. */
  imageDigest: string;
  scope: Scope;
  service: string;
  sizeBytes: number;
  at: number;
  by: string;
  /** Oldest first. */
  history: readonly TagMove[];
};

/** A layer that lies in a repository, by its name in archives. */
export type KnownLayer = StoredBlob & { repository: string; at: number };

const tags = "imageTags";
const layers = "imageLayers";
const historyLimit = 200;
const tagLimit = 10_000;
const layerLimit = 5000;

/** What was pushed where, by whom, and what every alias has pointed at. */
export class TagBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get(repository: string, tag: string): TagRecord | undefined {
    return this.#store.records.get<TagRecord>(tags, keyOf(repository, tag));
  }

  put(record: TagRecord): void {
    const history = record.history.slice(-historyLimit);
    this.#store.records.put<TagRecord>(tags, keyOf(record.repository, record.tag), { ...record, history });
  }

  remove(repository: string, tag: string): void {
    this.#store.records.remove(tags, keyOf(repository, tag));
  }

  /** By repository and tag; of one repository where one is named. */
  list(repository?: string): TagRecord[] {
    const wanted = repository === undefined ? undefined : canonicalRepository(repository);
    return this.#store.records
      .list<TagRecord>(tags, { limit: tagLimit })
      .map(({ value }) => value)
      .filter((record) => wanted === undefined || canonicalRepository(record.repository) === wanted);
  }

  layer(registry: string, name: string): KnownLayer | undefined {
    return this.#store.records.get<KnownLayer>(layers, `${registry} ${name}`);
  }

  addLayer(registry: string, name: string, layer: KnownLayer): void {
    this.#store.records.put<KnownLayer>(layers, `${registry} ${name}`, layer);
  }

  /** Forgets the oldest layers beyond the limit: they would only be sent again. */
  trimLayers(limit = layerLimit): void {
    const all = this.#store.records.list<KnownLayer>(layers, { limit: limit * 2 });
    const oldest = all.sort((a, b) => a.value.at - b.value.at).slice(0, Math.max(0, all.length - limit));
    for (const { key } of oldest) this.#store.records.remove(layers, key);
  }
}

function keyOf(repository: string, tag: string): string {
  return `${canonicalRepository(repository)}:${tag}`;
}
