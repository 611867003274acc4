import type { NewSnapshot, StoredSnapshot } from "../../port.ts";

/** What restic tells of a snapshot in `snapshots --json`. */
export type ResticSnapshot = { id: string; time: string; tags?: readonly string[] };

/** A snapshot counts only with this tag, which is set once its stream came to its own end. */
export const wholeTag = "whole";

/** Restic keeps tags apart by commas. */
export function tagsOf(snapshot: NewSnapshot): string[] {
  return [
    `scope=${snapshot.scope}`,
    `source=${snapshot.source}`,
    `kind=${snapshot.kind}`,
    // Restic's own time has whole seconds.
    `at=${snapshot.takenAt}`,
    ...snapshot.labels.map((label) => `label:${label}`),
  ].map((tag) => tag.replaceAll(/[^\w.=:/-]/g, "_"));
}

const kinds: readonly NewSnapshot["kind"][] = [
  "postgres",
  "mysql",
  "mongodb",
  "redis",
  "sqlite",
  "volume",
  "bind",
  "platform",
  "manifest",
  "image",
  "epoch",
];

/** `undefined` for a snapshot that Roadstead did not make, or that is not whole. */
export function snapshotOf(found: ResticSnapshot): StoredSnapshot | undefined {
  const tags = found.tags ?? [];
  const value = (name: string) => tags.find((tag) => tag.startsWith(`${name}=`))?.slice(name.length + 1);
  const [scope, source] = [value("scope"), value("source")];
  const kind = kinds.find((known) => known === value("kind"));
  if (!tags.includes(wholeTag) || scope === undefined || source === undefined || kind === undefined)
    return undefined;
  return {
    id: found.id,
    scope,
    source,
    kind,
    takenAt: Number(value("at") ?? Date.parse(found.time)),
    labels: tags.filter((tag) => tag.startsWith("label:")).map((tag) => tag.slice("label:".length)),
    sizeBytes: Number(value("size") ?? 0),
  };
}
