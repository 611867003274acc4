import { PlatformError } from "../lib/platform-error.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import { compareManifests, judgeBackup } from "../policy/backup-verdict.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { Deployment } from "../store/port.ts";
import { isThere } from "./backup-run.ts";
import { vaultError } from "./errors.ts";
import type { InstanceBuilder, NewData, NewInstance } from "./restore-builder.ts";
import type { RestoreParts } from "./restore-parts.ts";
import { keptSource, stackAsWritten } from "./restore-plan.ts";
import { type RestoreItem, type RestoreRun, RestoreRuns } from "./restore-run.ts";
import type { Proof } from "./source-keeper.ts";

const pollMs = 200;
const safetyLimitMs = 15 * 60_000;
const switchLimitMs = 30 * 60_000;
const noteLength = 300;

/**
 * Takes one restore through its phases. Until the switch nothing that serves is touched; the switch is a deployment of
 * the engine, which returns by itself to the volumes that served.
 */
export class RestoreWork {
  readonly #parts: RestoreParts;
  readonly #runs: RestoreRuns;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
    this.#runs = new RestoreRuns(parts.store);
  }

  async carryOut(begun: RestoreRun, signal: AbortSignal): Promise<RestoreRun> {
    let run = begun;
    if (run.phase === "build") run = await this.#build(this.#askForSafety(run), signal);
    if (run.phase === "safety") run = await this.#awaitSafety(run, signal);
    return await this.#switch(run, signal);
  }

  /** Removes what an unfinished build has left; what serves stays as it is. */
  async discard(run: RestoreRun, signal: AbortSignal): Promise<void> {
    if (run.kind === "undo") return;
    for (const item of run.items) {
      const kept = keptSource(this.#parts, run.scope, item.source);
      await this.#builder(item).discard(kept, instanceOf(run, item), signal);
    }
  }

  /** Goes on beside the build; the vault does it. Where it cannot be had, the volumes that served are the safety. */
  #askForSafety(run: RestoreRun): RestoreRun {
    if (run.safety !== undefined || run.notes.length > 0) return run;
    const { vault } = this.#parts;
    const [only] = run.items;
    try {
      const by = { requestedBy: run.requestedBy, reason: `before ${run.id}` };
      const wanted = run.items.length === 1 && only ? [only.source] : [];
      const [safety] = vault.request(run.scope, wanted, by);
      return this.#save(safety ? { ...run, safety: safety.id } : run);
    } catch (error) {
      return this.#note(run, `no copy of what serves could be asked for: ${wordsOf(error)}`);
    }
  }

  async #build(begun: RestoreRun, signal: AbortSignal): Promise<RestoreRun> {
    let run = begun;
    for (const item of run.items) {
      const kept = keptSource(this.#parts, run.scope, item.source);
      const builder = this.#builder(item);
      const instance = instanceOf(run, item);
      // What an earlier attempt has left would be in the way.
      await builder.discard(kept, instance, signal);
      const { data, shows } = await this.#dataOf(run, item, signal);
      const proof = await builder.build(kept, data, instance, signal);
      this.#judge(run, item, proof);
      const { manifest, checks } = proof;
      const items = run.items.map((one) =>
        one.source === item.source ? { ...one, manifest, checks, shows } : one,
      );
      run = this.#save({ ...run, items });
    }
    return this.#save({ ...run, phase: "safety", builtAt: this.#parts.clock.now() });
  }

  async #dataOf(run: RestoreRun, { source, from }: RestoreItem, signal: AbortSignal) {
    const { vault, repositories, points } = this.#parts;
    if (from.kind === "point") {
      if (!points) throw vaultError("VAULT_NOTHING_TO_RESTORE", "this installation keeps no points in time");
      const { base, at, name } = from;
      const wish = { base, ...(at === undefined ? {} : { at }), ...(name === undefined ? {} : { name }) };
      const choice = points.choose(run.origin, source, wish);
      const data: NewData = { kind: "files", content: await choice.content(signal), logs: choice.logs };
      return { data, shows: choice.shows };
    }
    const backup = vault.runs.find(from.backup);
    if (!backup || !isThere(backup))
      throw vaultError("VAULT_NO_RUN", `${from.backup} has no snapshot any more`);
    const repository = await repositories.open(backup.repository, signal);
    const data: NewData = { kind: "dump", content: repository.read(backup.snapshot.id, signal) };
    return { data, shows: backup.snapshot.takenAt };
  }

  /** A copy must be what was copied; a point in time must not be the moment after the loss. */
  #judge(run: RestoreRun, item: RestoreItem, { manifest, checks }: Proof): void {
    const { vault } = this.#parts;
    const failed = checks.filter(({ ok }) => !ok).map(({ check, detail }) => `${check}: ${detail}`);
    if (item.from.kind === "backup") {
      const source: Manifest | undefined = vault.runs.find(item.from.backup)?.manifest;
      const differences = source ? compareManifests(source, manifest) : [];
      if (differences.length + failed.length === 0) return;
      throw unproven(item.source, [...differences, ...failed]);
    }
    const before = vault.runs.lastVerified(run.origin, item.source)?.manifest;
    const evidence = { source: manifest, restored: manifest, checks };
    const { verdict, reasons } = judgeBackup(before ? { ...evidence, before } : evidence);
    if (verdict === "verified" || (verdict === "suspect" && run.acceptSuspect)) return;
    throw unproven(item.source, reasons);
  }

  async #awaitSafety(run: RestoreRun, signal: AbortSignal): Promise<RestoreRun> {
    const { vault, clock } = this.#parts;
    const end = clock.now() + safetyLimitMs;
    const go = (changes: Partial<RestoreRun> = {}) => this.#save({ ...run, ...changes, phase: "switch" });
    const { safety } = run;
    if (safety === undefined) return go();
    for (;;) {
      const backup = vault.runs.find(safety);
      if (backup && isThere(backup)) return go();
      if (!backup || backup.state === "failed" || clock.now() > end) {
        const why = backup?.failure?.message ?? "it took too long";
        const note = `what served could not be copied once more (${why}); its volume stays`;
        return go({ notes: [...run.notes, note.slice(0, noteLength)] });
      }
      await clock.sleep(pollMs, signal);
    }
  }

  async #switch(begun: RestoreRun, signal: AbortSignal): Promise<RestoreRun> {
    const { engine, clock } = this.#parts;
    const waiting = this.#dependents(begun);
    if (waiting.length > 0) await engine.hold(begun.scope, waiting, true, signal);
    let run = begun;
    try {
      run = this.#beginSwitch(run);
      await this.#awaitDeployment(run, signal);
    } finally {
      // A process that stops now takes it up again and lets them go on then.
      if (waiting.length > 0 && !signal.aborted) await engine.hold(run.scope, waiting, false, signal);
    }
    const now = clock.now();
    return this.#save({ ...run, state: "done", switchedAt: now, finishedAt: now });
  }

  /** Begun once: after a crash it is found by the restore that it names. */
  #beginSwitch(run: RestoreRun): RestoreRun {
    const { engine, store } = this.#parts;
    const reason = `${run.kind} ${run.id}${run.reason === "" ? "" : `: ${run.reason}`}`;
    const known = store.deployments
      .list(run.scope, 100)
      .find((one) => one.operation?.standIns !== undefined && one.reason === reason);
    const mounts = Object.assign({}, ...run.items.map((item) => item.mounts)) as Record<string, string>;
    const standIns = run.kind === "undo" ? run.before : mounts;
    const services = [...new Set(run.items.flatMap((item) => item.services))];
    const by = { name: run.requestedBy, reason };
    const { id } = known ?? engine.switchVolumes(run.scope, services, standIns, by);
    return this.#save({ ...run, deployment: id });
  }

  async #awaitDeployment({ deployment, scope }: RestoreRun, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    const end = clock.now() + switchLimitMs;
    for (;;) {
      const now: Deployment | undefined = deployment && store.deployments.get(deployment);
      if (now?.state === "succeeded") return;
      if (now?.finishedAt !== undefined || clock.now() > end)
        throw vaultError(
          "VAULT_SWITCH_FAILED",
          `${scopeKey(scope)} did not come up on the new volumes: ${now?.failure?.message ?? "it took too long"}`,
        );
      await clock.sleep(pollMs, signal);
    }
  }

  /** Services that talk to those that are restarted: their visitors wait instead of seeing errors. */
  #dependents({ scope, items }: RestoreRun): string[] {
    const restarted = new Set(items.flatMap(({ services }) => services));
    return stackAsWritten(this.#parts, scope)
      .services.filter(({ name }) => !restarted.has(name))
      .filter(({ dependsOn }) => dependsOn.some(({ service }) => restarted.has(service)))
      .map(({ name }) => name);
  }

  #builder({ kind }: RestoreItem): InstanceBuilder {
    const builder = this.#parts.builders[kind];
    if (!builder) throw vaultError("VAULT_NO_SOURCE", `${kind} cannot be restored by this installation`);
    return builder;
  }

  #note(run: RestoreRun, note: string): RestoreRun {
    return this.#save({
      ...run,
      notes: [...run.notes, this.#parts.mask(run.scope, note).slice(0, noteLength)],
    });
  }

  #save(run: RestoreRun): RestoreRun {
    this.#runs.put(run);
    this.#parts.onSaved?.(run);
    return run;
  }
}

function instanceOf(run: RestoreRun, { mounts, source }: RestoreItem): NewInstance {
  const id = `${run.id}-${source}`.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-");
  return { id, mounts, ...(run.mask === undefined ? {} : { mask: run.mask }) };
}

function unproven(source: string, reasons: readonly string[]): Error {
  return vaultError(
    "VAULT_UNPROVEN",
    `${source} did not come back as it should: ${reasons.slice(0, 5).join("; ")}`,
  );
}

function wordsOf(error: unknown): string {
  return error instanceof PlatformError ? error.message : "an unexpected error";
}
