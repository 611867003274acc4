import type { Repository, StoredSnapshot } from "../backup/port.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import { labelOf, platformScope } from "./epochs.ts";

/** A snapshot as an empty host finds it. */
export type FoundSnapshot = { snapshot: StoredSnapshot; verdict: string; manifest?: string };

/** What lies in a repository: all that is left of a lost server. */
export type Catalogue = {
  /** Newest first, of each installation. */
  states: ReadonlyMap<string, readonly FoundSnapshot[]>;
  /** `stack/environment` -> source -> its copies, newest first. */
  data: ReadonlyMap<string, ReadonlyMap<string, readonly FoundSnapshot[]>>;
  /** Digest -> its copy. */
  images: ReadonlyMap<string, StoredSnapshot>;
};

const longestManifest = 64 * 1024 * 1024;

/** `before`: nothing younger, e.g. what a half recovered stack held when it was backed up. */
export async function readCatalogue(
  repository: Repository,
  signal: AbortSignal,
  before = Number.POSITIVE_INFINITY,
): Promise<Catalogue> {
  const all = (await repository.list({}, signal)).filter(
    ({ kind, takenAt }) => takenAt < before || kind === "manifest",
  );
  const proofs = new Map(
    all.flatMap((one) => (one.kind === "manifest" ? [[labelOf(one, "of") ?? "", one] as const] : [])),
  );
  const states = new Map<string, FoundSnapshot[]>();
  const data = new Map<string, Map<string, FoundSnapshot[]>>();
  const images = new Map<string, StoredSnapshot>();
  for (const snapshot of all) {
    const { kind, scope, source } = snapshot;
    const proof = proofs.get(snapshot.id);
    const verdict = (proof && labelOf(proof, "verdict")) ?? "unverified";
    const found = { snapshot, verdict, ...(proof ? { manifest: proof.id } : {}) };
    if (kind === "image") images.set(source.replace(/^image:/, ""), snapshot);
    else if (kind === "platform") push(states, labelOf(snapshot, "installation") ?? "", found);
    else if (kind !== "manifest" && kind !== "epoch" && scope !== platformScope) {
      const sources = data.get(scope) ?? new Map<string, FoundSnapshot[]>();
      push(sources, source, found);
      data.set(scope, sources);
    }
  }
  return { states, data, images };
}

/** The newest that was proven; else the newest that nobody has found bad. */
export function bestOf(found: readonly FoundSnapshot[] | undefined): FoundSnapshot | undefined {
  const usable = found?.filter(({ verdict }) => verdict === "verified" || verdict === "unverified");
  return usable?.find(({ verdict }) => verdict === "verified") ?? usable?.[0];
}

/** What the copy held when it was taken; absent where no proof lies beside it. */
export async function manifestOf(
  repository: Repository,
  { manifest }: FoundSnapshot,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  if (manifest === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of repository.read(manifest, signal)) {
    bytes += chunk.byteLength;
    if (bytes > longestManifest) return undefined;
    chunks.push(chunk);
  }
  return (JSON.parse(Buffer.concat(chunks).toString("utf8")) as { manifest?: Manifest }).manifest;
}

function push(map: Map<string, FoundSnapshot[]>, key: string, found: FoundSnapshot): void {
  map.set(key, [...(map.get(key) ?? []), found]);
}
