import type { Repository } from "../backup/port.ts";
import { withTarManifest } from "../backup/tar-manifest.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import { compareManifests } from "../policy/backup-verdict.ts";
import { scopeKey } from "../rollout/ids.ts";
import { bestOf, type Catalogue, type FoundSnapshot, manifestOf } from "./catalogue.ts";
import { serverLossError } from "./errors.ts";
import type { RecoveredItem } from "./loss-records.ts";
import type { Kept, StackRecoveryParts } from "./recovery-parts.ts";

type Parts = Pick<StackRecoveryParts, "runtime" | "clock" | "databases" | "placeOf" | "fillFolder">;
const listenLimitMs = 300_000;
const listenPollMs = 500;
type Put = (item: RecoveredItem) => void;
export type Bringing = {
  repository: Repository;
  catalogue: Catalogue;
  begun: RecoveredItem | undefined;
  put: Put;
};

/** Databases come back into their own running server; all else is files. */
export function isDatabase(parts: Pick<Parts, "databases">, { source }: Kept): boolean {
  return parts.databases[source.kind] !== undefined;
}

/**
 * One source from its best copy. What a killed attempt has left half-way must be gone before. A source without a copy
 * is lost, and says so; the others go on.
 */
export async function bringBack(
  parts: Parts,
  kept: Kept,
  { repository, catalogue, begun, put }: Bringing,
  signal: AbortSignal,
): Promise<void> {
  const { name, kind } = kept.source;
  if (begun?.state === "done" || begun?.state === "lost") return;
  const found = bestOf(catalogue.data.get(scopeKey(kept.scope))?.get(name));
  if (!found) {
    put({ name, kind, state: "lost", reason: "there is no copy of it in the repository" });
    return;
  }
  const { id: snapshot, takenAt } = found.snapshot;
  const item = { name, kind, snapshot, takenAt };
  if (!isDatabase(parts, kept) && kind !== "volume" && kind !== "bind") {
    // It stays empty, and the table says so: the other sources must not wait for it.
    const reason = `recover cannot put ${kind} back by itself: \`roadstead restore\` it from ${snapshot.slice(0, 8)}`;
    put({ ...item, state: "lost", reason });
    return;
  }
  put({ ...item, state: "restoring" });
  const content = repository.read(snapshot, signal);
  const held = isDatabase(parts, kept)
    ? await intoDatabase(parts, kept, content, signal)
    : await intoFiles(parts, kept, content, signal);
  const reason = await differenceOf(repository, found, held, signal);
  if (reason !== undefined)
    throw serverLossError("RECOVER_STEP_FAILED", `${name} is not what was copied: ${reason}`);
  put({ ...item, state: "done", verdict: found.verdict });
}

async function differenceOf(
  repository: Repository,
  found: FoundSnapshot,
  held: Manifest,
  signal: AbortSignal,
): Promise<string | undefined> {
  const before = await manifestOf(repository, found, signal);
  return before && compareManifests(before, held)[0];
}

async function intoDatabase(
  parts: Parts,
  kept: Kept,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Manifest> {
  const { databases, placeOf } = parts;
  const source = databases[kept.source.kind];
  if (!source) throw serverLossError("RECOVER_STEP_FAILED", `${kept.source.kind} cannot be restored here`);
  await untilListening(parts, kept, signal);
  const place = await placeOf(kept, signal);
  await source.restore(content, place, signal);
  return await source.inspect(place, signal);
}

/** While an image sets its database up, a server of its own answers inside, but not yet at the port. */
async function untilListening(
  { runtime, clock }: Parts,
  { scope, stack, source }: Kept,
  signal: AbortSignal,
): Promise<void> {
  const service = stack.services.find(({ name }) => name === source.services[0]);
  const port = service?.ports[0]?.port;
  if (port === undefined) return;
  const timing = { intervalSeconds: 1, timeoutSeconds: 5, retries: 1, startPeriodSeconds: 0 };
  const deadline = clock.now() + listenLimitMs;
  for (;;) {
    const replicas = await runtime.observe(scope, signal);
    const replica = replicas.find((one) => one.service === service?.name && one.state === "running");
    const found = replica && (await runtime.probe(replica.id, { kind: "tcp", port, ...timing }, signal));
    if (found?.ok) return;
    if (clock.now() > deadline)
      throw serverLossError("RECOVER_STEP_FAILED", `${source.name} does not listen on port ${port}`);
    await clock.sleep(listenPollMs, signal);
  }
}

async function intoFiles(
  { runtime, clock, fillFolder }: Parts,
  { scope, stack, source }: Kept,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Manifest> {
  const files = runtime.volumeFiles;
  const volume = source.volume === undefined ? undefined : stack.volumes[source.volume];
  if (!files || source.kind === "sqlite" || (volume === undefined && source.path === undefined))
    throw serverLossError("RECOVER_STEP_FAILED", `${source.kind} ${source.name} cannot be restored here`);
  if (volume) await files.fill(scope, volume, content, signal);
  else await fillFolder(source.path ?? "", content, signal);
  const tree = volume ? { volume } : { hostPath: source.path ?? "" };
  const counted = withTarManifest(
    files.archive(scope, tree, { exclude: [] }, signal),
    source.name,
    clock.now(),
  );
  for await (const _chunk of counted.content) signal.throwIfAborted();
  return await counted.manifest();
}

/** Takes away what a killed attempt has half filled: the volume is this recovery's own, it began empty. */
export async function clearVolume({ runtime }: Parts, kept: Kept, signal: AbortSignal): Promise<void> {
  const files = runtime.volumeFiles;
  for (const volume of volumesOf(kept))
    if (files && (await files.exists(kept.scope, volume, signal)))
      await files.remove(kept.scope, volume, signal);
}

function volumesOf({ stack, source }: Kept) {
  const keys =
    source.volume === undefined
      ? stack.services
          .filter(({ name }) => source.services.includes(name))
          .flatMap(({ compose }) =>
            (compose.volumes ?? []).flatMap(({ type, source: key }) =>
              type === "volume" && key !== undefined ? [key] : [],
            ),
          )
      : [source.volume];
  return keys.flatMap((key) => stack.volumes[key] ?? []);
}
