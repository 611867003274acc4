import { createHash } from "node:crypto";
import type { Repository } from "../backup/port.ts";
import { hasCode, messageOf, PlatformError } from "../lib/platform-error.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import { defaultKeep, retainSnapshots } from "../policy/backup-retention.ts";
import { judgeBackup } from "../policy/backup-verdict.ts";
import { scopeKey } from "../rollout/ids.ts";
import { type BackupRun, type BackupRuns, isThere } from "./backup-run.ts";
import { vaultError } from "./errors.ts";
import type { VaultParts } from "./parts.ts";
import type { KeptSource, Proof, SourceKeeper } from "./source-keeper.ts";

/** The reason lies with this host or the network, not with the snapshot: it says nothing about it. */
const ofTheHost = ["BACKUP_REPOSITORY_UNREACHABLE", "BACKUP_TOOL_MISSING", "RUNTIME_UNREACHABLE"];

type Work = {
  run: BackupRun;
  kept: KeptSource;
  keeper: SourceKeeper;
  repository: Repository;
  signal: AbortSignal;
};

/**
 * Takes one run through its phases. Every phase is saved before it begins and may begin again after a crash: what the
 * one before has left is removed first. Throws only when the signal ends it or the dump fails.
 */
export class BackUp {
  readonly #parts: VaultParts;
  readonly #runs: BackupRuns;

  constructor(parts: VaultParts, runs: BackupRuns) {
    this.#parts = parts;
    this.#runs = runs;
  }

  async carryOut(run: BackupRun, kept: KeptSource, signal: AbortSignal): Promise<BackupRun> {
    const keeper = this.#parts.keepers[run.kind];
    if (!keeper) throw vaultError("VAULT_NO_SOURCE", `${run.kind} cannot be backed up by this installation`);
    const repository = await this.#parts.repositories.open(run.repository, signal);
    const work = { run, kept, keeper, repository, signal };
    if (work.run.phase === "dump") work.run = await this.#dump(work);
    if (work.run.phase === "verify") work.run = await this.#verify(work);
    return await this.#retain(work);
  }

  async #dump({ run, kept, keeper, repository, signal }: Work): Promise<BackupRun> {
    await this.#forgetOf(run, repository, signal);
    const { clock } = this.#parts;
    const startedAt = clock.now();
    const dump = await keeper.dump(kept, signal);
    const { scope, source, kind } = run;
    const about = { scope: scopeKey(scope), source, kind, takenAt: startedAt, labels: [`run=${run.id}`] };
    const counted = digested(dump.content);
    const stored = await repository.save(about, counted.content, signal);
    const manifest = await this.#manifestOf(dump.manifest, { repository, id: stored.id, signal });
    const { id, takenAt, sizeBytes, addedBytes } = stored;
    return this.#save({
      ...run,
      phase: "verify",
      dumpMs: clock.now() - startedAt,
      manifest,
      verdict: "unverified",
      snapshot: {
        id,
        takenAt,
        sizeBytes,
        sha256: counted.digest(),
        ...(addedBytes === undefined ? {} : { addedBytes }),
      },
    });
  }

  /** A copy whose source cannot say what it held is none. */
  async #manifestOf(
    ask: () => Promise<Manifest>,
    { repository, id, signal }: { repository: Repository; id: string; signal: AbortSignal },
  ): Promise<Manifest> {
    try {
      return await ask();
    } catch (error) {
      await repository.forget([id], signal);
      throw error;
    }
  }

  /** What an earlier attempt has stored without its record learning of it. */
  async #forgetOf(run: BackupRun, repository: Repository, signal: AbortSignal): Promise<void> {
    if (run.attempt === 1 && !run.resumed) return;
    const found = await repository.list({ scope: scopeKey(run.scope), source: run.source }, signal);
    const own = found.filter(({ labels }) => labels.includes(`run=${run.id}`)).map(({ id }) => id);
    if (own.length > 0) await repository.forget(own, signal);
  }

  async #verify(work: Work): Promise<BackupRun> {
    const { run, kept, signal } = work;
    const { clock } = this.#parts;
    const { snapshot, manifest } = run;
    if (!snapshot || !manifest) throw vaultError("VAULT_NO_RUN", `${run.id} has no snapshot to verify`);
    const startedAt = clock.now();
    const proof = await this.#prove(work, snapshot);
    const before = this.#runs.lastVerified(run.scope, run.source, run.id)?.manifest;
    const shrunkBy = kept.stack.backups?.shrunkBy;
    const judged = judgeBackup(
      {
        source: manifest,
        restored: "error" in proof ? proof : proof.manifest,
        checks: "error" in proof ? [] : proof.checks,
        ...(before ? { before } : {}),
      },
      shrunkBy === undefined ? {} : { shrunkBy },
    );
    const verdict = "error" in proof && proof.ofTheHost ? "unverified" : judged.verdict;
    const verified = this.#save({
      ...run,
      phase: "retention",
      verdict,
      reasons: judged.reasons.map((reason) => this.#parts.mask(run.scope, reason)),
      verifiedAt: clock.now(),
      verifyMs: clock.now() - startedAt,
      ...("error" in proof ? {} : { checks: proof.checks }),
    });
    await this.#describe(verified, work.repository, signal);
    this.#tell(verified);
    return verified;
  }

  async #prove(
    work: Work,
    { id, sha256 }: { id: string; sha256: string },
  ): Promise<Proof | { error: string; ofTheHost: boolean }> {
    const { run, kept, keeper, repository, signal } = work;
    try {
      const { content, digest } = digested(repository.read(id, signal));
      const name = run.id.replaceAll(/[^a-z0-9-]/g, "-");
      const proof = await keeper.prove(kept, content, { proof: name }, signal);
      if (digest() === sha256) return proof;
      return { error: "it was read back with other bytes than it was stored with", ofTheHost: false };
    } catch (error) {
      signal.throwIfAborted();
      return { error: messageOf(error), ofTheHost: ofTheHost.some((code) => hasCode(error, code)) };
    }
  }

  /** Beside the snapshot, for a host that has lost all records. Its lack makes the snapshot no worse. */
  async #describe(run: BackupRun, repository: Repository, signal: AbortSignal): Promise<void> {
    const { scope, source, snapshot, manifest, verdict, reasons, kind } = run;
    if (!snapshot) return;
    const labels = [`of=${snapshot.id}`, `verdict=${verdict ?? "unverified"}`, `kind=${kind}`];
    const text = JSON.stringify({ version: 1, kind, snapshot: snapshot.id, manifest, verdict, reasons });
    const about = {
      scope: scopeKey(scope),
      source,
      kind: "manifest" as const,
      takenAt: snapshot.takenAt,
      labels,
    };
    try {
      await repository.save(about, oneChunk(text), signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.log("warn", `the manifest of ${run.id} could not be stored: ${messageOf(error)}`);
    }
  }

  async #retain({ run, kept, repository, signal }: Work): Promise<BackupRun> {
    const { clock } = this.#parts;
    const done: BackupRun = { ...run, state: "done", finishedAt: clock.now() };
    try {
      await this.#forgetOld(run, { kept, repository, signal });
    } catch (error) {
      signal.throwIfAborted();
      const warning = `old snapshots could not be removed: ${this.#parts.mask(run.scope, messageOf(error))}`;
      this.#parts.log("warn", `${run.id}: ${warning}`);
      done.warning = warning;
    }
    this.#save(done);
    this.#runs.prune(run.scope, run.source);
    return done;
  }

  async #forgetOld(
    run: BackupRun,
    { kept, repository, signal }: Pick<Work, "kept" | "repository" | "signal">,
  ): Promise<void> {
    const there = this.#runs
      .of(run.scope, run.source)
      .filter((one) => one.repository === run.repository)
      .filter(isThere);
    const judged = there.map(({ id, snapshot, verdict = "unverified", pinned }) => ({
      id,
      takenAt: snapshot.takenAt,
      verdict,
      ...(pinned === undefined ? {} : { pinned: true }),
    }));
    const rules = { ...defaultKeep, ...defined(kept.stack.backups?.keep ?? {}) };
    const going = new Set(
      retainSnapshots(judged, rules)
        .filter(({ keep }) => !keep)
        .map(({ id }) => id),
    );
    const old = there.filter(({ id }) => going.has(id));
    if (old.length === 0) return;
    const ids = old.map(({ snapshot }) => snapshot.id);
    const scope = scopeKey(run.scope);
    const manifests = await repository.list({ scope, source: run.source, kind: "manifest" }, signal);
    const beside = manifests.filter(({ labels }) => ids.some((id) => labels.includes(`of=${id}`)));
    await repository.forget([...ids, ...beside.map(({ id }) => id)], signal);
    for (const one of old) this.#save({ ...one, forgottenAt: this.#parts.clock.now() });
  }

  #save(run: BackupRun): BackupRun {
    this.#runs.put(run);
    this.#parts.onSaved?.(run);
    return run;
  }

  /** A good one is no news. */
  #tell({ id, scope, source, verdict, reasons = [], priority }: BackupRun): void {
    if (verdict === "verified" || verdict === undefined) return;
    this.#parts.notify({
      kind: "backup",
      severity: verdict === "unverified" || priority === "low" ? "warning" : "critical",
      scope,
      title: `Backup ${verdict}`,
      text: `${source}: ${reasons.slice(0, 5).join("; ")}`,
      at: this.#parts.clock.now(),
      key: `backup ${id} ${verdict}`,
    });
  }
}

/** How a failure is kept: its words, without secrets. */
export function failureOf(error: unknown, mask: (text: string) => string): NonNullable<BackupRun["failure"]> {
  if (!(error instanceof PlatformError)) return { code: "VAULT_FAILED", message: mask(messageOf(error)) };
  const { code, message, hint } = error;
  return { code, message: mask(message), ...(hint === undefined ? {} : { hint }) };
}

/** Passes a stream on and knows its digest at the end. */
function digested(content: AsyncIterable<Uint8Array>): {
  content: AsyncIterable<Uint8Array>;
  digest: () => string;
} {
  const hash = createHash("sha256");
  const passing = async function* () {
    for await (const chunk of content) {
      hash.update(chunk);
      yield chunk;
    }
  };
  return { content: passing(), digest: () => hash.digest("hex") };
}

async function* oneChunk(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
