/** What a source held when it was copied, or what a restored copy holds: the two are compared. */
export type Manifest = {
  /** Program and version, e.g. `postgres 16.4`, `tar`. */
  engine: string;
  /** Epoch ms of the moment that the copy shows. */
  takenAt: number;
  /** Bytes of the copy as it streams, before the repository compresses it. */
  sizeBytes: number;
  /** Digest of the structure: tables with columns, indexes and constraints; absent where there is none (a volume). */
  schema?: string;
  /** Tables, collections, databases of keys, or trees of files. */
  parts: readonly ManifestPart[];
};

export type ManifestPart = {
  /** Unique within its manifest, e.g. `shop.public.orders`, `uploads`. */
  name: string;
  /** Rows, documents, keys or files. */
  rows: number;
  /** Digest of the contents, where reading all of it is cheap. */
  checksum?: string;
};

/** The rows of all parts. */
export function rowsOf(manifest: Manifest): number {
  return manifest.parts.reduce((sum, { rows }) => sum + rows, 0);
}
