import { hostname } from "node:os";
import type { Repository } from "../backup/port.ts";

/** Scope of everything that belongs to the platform and to no stack. */
export const platformScope = "roadstead";
const source = "epoch";

export function installationLabel(id: string): string {
  return `installation=${id}`;
}

/** The value of `name=value` among the labels of a snapshot. */
export function labelOf({ labels }: { labels: readonly string[] }, name: string): string | undefined {
  return labels.find((label) => label.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The highest epoch that the repository knows of an installation; 0: it was never recovered. */
export async function highestEpoch(
  repository: Repository,
  installation: string,
  signal: AbortSignal,
): Promise<number> {
  const found = await repository.list({ scope: platformScope, source, kind: "epoch" }, signal);
  const mine = found.filter(({ labels }) => labels.includes(installationLabel(installation)));
  return Math.max(0, ...mine.map((snapshot) => Number(labelOf(snapshot, "epoch")) || 0));
}

/** From here on only who has this epoch may serve. Answers it. */
export async function raiseEpoch(
  repository: Repository,
  { installation, reason, now }: { installation: string; reason: string; now: number },
  signal: AbortSignal,
): Promise<number> {
  const epoch = (await highestEpoch(repository, installation, signal)) + 1;
  const labels = [`epoch=${epoch}`, installationLabel(installation)];
  const text = JSON.stringify({ version: 1, installation, epoch, at: now, host: hostname(), reason });
  const about = { scope: platformScope, source, kind: "epoch" as const, takenAt: now, labels };
  await repository.save(about, oneChunk(text), signal);
  return epoch;
}

/** A short text as content. */
export async function* oneChunk(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}
