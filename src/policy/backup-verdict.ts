import { type Manifest, rowsOf } from "./backup-manifest.ts";

/**
 * `verified`: restored, and all that was in the source is there. `suspect`: restored, but what it holds looks lost next
 * to the last verified one. `failed`: it cannot be restored, or not whole.
 */
export type BackupVerdict = { verdict: "verified" | "suspect" | "failed"; reasons: readonly string[] };

export type VerdictSettings = {
  /** Suspect when this share of all rows, or of one part's, has gone since the last verified snapshot. @default 0.5 */
  shrunkBy?: number;
  /** Parts of fewer rows than this may come and go. @default 20 */
  smallPart?: number;
};

/** An own question to the restored copy, e.g. `SELECT count(*) > 0 FROM users`, with its answer. */
export type CheckResult = { check: string; ok: boolean; detail: string };

export type Evidence = {
  /** Taken with the copy. */
  source: Manifest;
  /** Absent: the restore failed, for this reason. */
  restored: Manifest | { error: string };
  /** Of the last verified snapshot of the same source. */
  before?: Manifest;
  checks?: readonly CheckResult[];
};

/**
 * Whether a snapshot counts as a backup. File size says nothing: an emptied database dumps without an error, and its
 * dumps push out the good ones (the story of issue 6 of seed 002's own system).
 */
export function judgeBackup(evidence: Evidence, settings: VerdictSettings = {}): BackupVerdict {
  const { source, restored, before, checks = [] } = evidence;
  if ("error" in restored)
    return { verdict: "failed", reasons: [`it could not be restored: ${restored.error}`] };
  const differences = compareManifests(source, restored);
  if (differences.length > 0) return { verdict: "failed", reasons: differences };
  const failedChecks = checks.filter(({ ok }) => !ok).map(({ check, detail }) => `${check}: ${detail}`);
  if (failedChecks.length > 0) return { verdict: "failed", reasons: failedChecks };
  const losses = before ? lossesSince(before, source, settings) : [];
  return losses.length > 0 ? { verdict: "suspect", reasons: losses } : { verdict: "verified", reasons: [] };
}

/** How a restored copy differs from what was copied; empty: it does not. */
export function compareManifests(source: Manifest, restored: Manifest): string[] {
  const found = new Map(restored.parts.map((part) => [part.name, part]));
  const differences = source.parts.flatMap((part) => {
    const other = found.get(part.name);
    if (other === undefined) return [`${part.name} is missing in the restored copy`];
    if (other.rows !== part.rows) return [`${part.name} has ${other.rows} rows instead of ${part.rows}`];
    const differs = part.checksum !== undefined && other.checksum !== part.checksum;
    return differs ? [`${part.name} has other contents`] : [];
  });
  const known = new Set(source.parts.map(({ name }) => name));
  const extra = restored.parts
    .filter(({ name }) => !known.has(name))
    .map(({ name }) => `${name} was not there before`);
  const schema = source.schema === restored.schema ? [] : ["the structure of the restored copy differs"];
  return [...schema, ...differences, ...extra];
}

/** What looks lost next to the last verified snapshot. */
function lossesSince(before: Manifest, now: Manifest, settings: VerdictSettings): string[] {
  const { shrunkBy = 0.5, smallPart = 20 } = settings;
  const [rowsBefore, rowsNow] = [rowsOf(before), rowsOf(now)];
  if (now.parts.length === 0 && before.parts.length > 0)
    return [`nothing is left of ${before.parts.length} parts with ${rowsBefore} rows`];
  if (rowsNow === 0 && rowsBefore > 0) return [`it is empty; the last verified one had ${rowsBefore} rows`];
  const parts = new Map(now.parts.map((part) => [part.name, part.rows]));
  const lost = before.parts.flatMap(({ name, rows }) => {
    if (rows < smallPart) return [];
    const left = parts.get(name);
    if (left === undefined) return [`${name} with ${rows} rows is gone`];
    return left < rows * (1 - shrunkBy) ? [`${name} shrank from ${rows} to ${left} rows`] : [];
  });
  const whole = rowsBefore >= smallPart && rowsNow < rowsBefore * (1 - shrunkBy);
  return whole && lost.length === 0 ? [`it shrank from ${rowsBefore} to ${rowsNow} rows`] : lost;
}
