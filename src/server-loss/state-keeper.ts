import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Repository, StoredSnapshot } from "../backup/port.ts";
import type { Source } from "../backup/source.ts";
import { type PlatformPlace, stagingPrefix } from "../backup/sources/platform.ts";
import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/platform-error.ts";
import type { Notify } from "../notify/news.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import { defaultKeep, retainSnapshots } from "../policy/backup-retention.ts";
import { compareManifests } from "../policy/backup-verdict.ts";
import type { Store } from "../store/port.ts";
import { installationLabel, labelOf, oneChunk, platformScope } from "./epochs.ts";
import { serverLossError } from "./errors.ts";
import type { Fence } from "./fence.ts";
import type { ImageMirror, MissingCopy } from "./image-mirror.ts";
import { LossRecords, type StateCopy } from "./loss-records.ts";

/** Several deployments in a row are one copy. */
const settleMs = 15_000;
const everyMs = 3600_000;
const tickMs = 5_000;
const runLimitMs = 3600_000;
/** Removing rewrites the repository: not for each single snapshot. */
const forgetAtOnce = 8;
const source = "state";

export type StateKeeperParts = {
  store: Store;
  clock: Clock;
  home: string;
  newId: () => string;
  state: Source<PlatformPlace>;
  mirror: ImageMirror;
  fence: Fence;
  /** The default repository, opened; absent: there is none. */
  repository: (signal: AbortSignal) => Promise<{ name: string; repository: Repository } | undefined>;
  notify: Notify;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};

export type Saved = { state: StateCopy; missing: readonly MissingCopy[] };

/** Keeps a proven copy of the control plane's own state, and of every image, in the default repository. */
export class StateKeeper {
  readonly #parts: StateKeeperParts;
  readonly #records: LossRecords;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #dueAt: number | undefined;
  #running: Promise<Saved> | undefined;
  #unlisten: (() => void) | undefined;

  constructor(parts: StateKeeperParts) {
    this.#parts = parts;
    this.#records = new LossRecords(parts.store);
  }

  start(): void {
    const { store, clock } = this.#parts;
    this.#unlisten = store.deployments.onAppend((entry) => {
      if (entry.event === "stateChanged" && entry.state === "succeeded") this.#dueAt = clock.now() + settleMs;
    });
    this.#loop ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
    await this.#running?.catch(() => undefined);
  }

  get last(): StateCopy | undefined {
    return this.#records.get("state");
  }

  get saving(): boolean {
    return this.#running !== undefined;
  }

  /** Now, or with the one that is under way. */
  save(): Promise<Saved> {
    this.#running ??= this.#save().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Images that no copy exists of; `undefined`: there is nowhere to copy to. */
  async missing(signal: AbortSignal): Promise<MissingCopy[] | undefined> {
    const chosen = await this.#parts.repository(signal);
    return chosen && (await this.#parts.mirror.missing(chosen.repository, signal));
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (await this.#isDue(signal)) {
          this.#dueAt = clock.now() + everyMs;
          await this.save();
        }
      } catch (error) {
        if (!signal.aborted)
          log("warn", `the control plane's state could not be copied: ${messageOf(error)}`);
      }
      await clock.sleep(tickMs, signal).catch(() => undefined);
    }
  }

  async #isDue(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    const { last } = this;
    const due = this.#dueAt ?? (last ? last.at + everyMs : 0);
    if (clock.now() < due) return false;
    return (await this.#parts.repository(signal)) !== undefined;
  }

  async #save(): Promise<Saved> {
    const { clock, fence, newId, mirror, log } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(runLimitMs)]);
    const chosen = await this.#parts.repository(signal);
    if (!chosen) throw serverLossError("RECOVER_NO_COPY", "no repository is set up: a lost server is lost");
    await fence.assertOwn(signal);
    const { id: installation } = this.#records.installation(newId);
    const startedAt = clock.now();
    let state: StateCopy;
    try {
      state = await this.#copy(chosen, installation, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reasons = [messageOf(error)];
      state = {
        repository: chosen.name,
        at: startedAt,
        verdict: "failed",
        reasons,
        tookMs: clock.now() - startedAt,
      };
    }
    this.#records.put("state", state);
    if (state.verdict === "failed") this.#tell(state);
    const missing = await mirror.mirror(chosen.repository, { now: clock.now(), installation }, signal);
    for (const { scope, number, service, why } of missing)
      log("warn", `v${number} of ${scope} has no copy of the image of ${service}: ${why}`);
    return { state, missing };
  }

  async #copy(
    { name, repository }: { name: string; repository: Repository },
    installation: string,
    signal: AbortSignal,
  ): Promise<StateCopy> {
    const { clock, state, home } = this.#parts;
    const at = clock.now();
    const own = installationLabel(installation);
    const dump = await state.dump({ home }, signal);
    const about = { scope: platformScope, source, kind: "platform" as const, takenAt: at, labels: [own] };
    const stored = await repository.save(about, dump.content, signal);
    const manifest = await dump.manifest();
    const reasons = await this.#prove(repository, stored.id, manifest, signal);
    const verdict = reasons.length === 0 ? ("verified" as const) : ("failed" as const);
    const labels = [`of=${stored.id}`, `verdict=${verdict}`, "kind=platform", own];
    const text = JSON.stringify({
      version: 1,
      kind: "platform",
      snapshot: stored.id,
      manifest,
      verdict,
      reasons,
    });
    await repository.save({ ...about, kind: "manifest", labels }, oneChunk(text), signal);
    await this.#forgetOld(repository, installation, signal);
    const { id: snapshot, sizeBytes } = stored;
    return { repository: name, at, verdict, reasons, snapshot, sizeBytes, tookMs: clock.now() - at };
  }

  /** Read back and opened as the control plane opens its own: what differs. */
  async #prove(
    repository: Repository,
    id: string,
    manifest: Manifest,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { home, state } = this.#parts;
    const folder = await mkdtemp(join(home, stagingPrefix));
    try {
      await state.restore(repository.read(id, signal), { home: folder }, signal);
      return compareManifests(manifest, await state.inspect({ home: folder }, signal));
    } catch (error) {
      signal.throwIfAborted();
      return [`it could not be restored: ${messageOf(error)}`];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #forgetOld(repository: Repository, installation: string, signal: AbortSignal): Promise<void> {
    const found = await repository.list({ scope: platformScope, source }, signal);
    const mine = found.filter((one) => labelOf(one, "installation") === installation);
    const proofs = new Map(
      mine.filter(({ kind }) => kind === "manifest").map((one) => [labelOf(one, "of"), one]),
    );
    const judged = mine
      .filter(({ kind }) => kind === "platform")
      .map(({ id, takenAt }) => ({ id, takenAt, verdict: verdictOf(proofs.get(id)) }));
    const going = retainSnapshots(judged, { ...defaultKeep, last: 5, hourly: 24 }).filter(
      ({ keep }) => !keep,
    );
    if (going.length < forgetAtOnce) return;
    const beside = going.flatMap(({ id }) => proofs.get(id)?.id ?? []);
    await repository.forget([...going.map(({ id }) => id), ...beside], signal);
  }

  #tell({ reasons }: StateCopy): void {
    const { notify, clock } = this.#parts;
    notify({
      kind: "backup",
      severity: "critical",
      title: "Backup of the control plane failed",
      text: reasons.slice(0, 3).join("; "),
      at: clock.now(),
      key: `platform state ${reasons[0] ?? ""}`,
    });
  }
}

function verdictOf(proof: StoredSnapshot | undefined): "verified" | "failed" | "unverified" {
  const verdict = proof && labelOf(proof, "verdict");
  return verdict === "verified" || verdict === "failed" ? verdict : "unverified";
}
