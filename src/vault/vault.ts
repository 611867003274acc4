import { messageOf } from "../lib/platform-error.ts";
import { type Coverage, coverage } from "../policy/backup-coverage.ts";
import { isDue, nextRun, type Schedule, scheduleOf } from "../policy/backup-schedule.ts";
import { type BackupSource, priorities } from "../policy/backup-source.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { isPreviewEnvironment } from "../stack/preview-environment.ts";
import type { Stack } from "../stack/stack.ts";
import { BackUp, failureOf } from "./back-up.ts";
import { type BackupRun, BackupRuns, isThere, isUnfinished, sourceLease } from "./backup-run.ts";
import { vaultError } from "./errors.ts";
import type { VaultParts } from "./parts.ts";

/** A schedule is written to the minute. */
const tickMs = 30_000;
/** The longest that one backup may take, verification included. */
const runLimitMs = 12 * 3600_000;
const leaseMs = 60_000;
/** A run that the control plane never survives must not go on for ever. */
const maxAttempts = 3;

export type SourcePlan = BackupSource & {
  supported: boolean;
  last?: BackupRun;
  lastVerified?: BackupRun;
  nextAt?: number;
};

export type BackupPlan = {
  scope: Scope;
  schedule?: Schedule;
  /** Absent: there is none, and nothing is backed up. */
  repository?: string;
  sources: readonly SourcePlan[];
  uncovered: Coverage["uncovered"];
};

type Known = { release: string; stack: Pick<Stack, "backups">; coverage: Coverage };

/** Backs up what runs: on schedule or when asked, one after the other, and takes up what a crash interrupted. */
export class Vault {
  readonly runs: BackupRuns;
  readonly #parts: VaultParts;
  readonly #backUp: BackUp;
  readonly #stop = new AbortController();
  readonly #known = new Map<string, Known>();
  #bell: (() => void) | undefined;
  #loops: Promise<unknown> | undefined;

  constructor(parts: VaultParts) {
    this.#parts = parts;
    this.runs = new BackupRuns(parts.store);
    this.#backUp = new BackUp(parts, this.runs);
  }

  start(): void {
    this.#loops ??= Promise.all([this.#work(), this.#watchSchedules()]);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    this.#bell?.();
    await this.#loops;
  }

  plan(scope: Scope): BackupPlan {
    const known = this.#knownOf(scope);
    if (!known) throw vaultError("VAULT_NO_RELEASE", `${scopeKey(scope)} has no release`);
    const { stack, coverage: found } = known;
    const repository = this.#parts.repositories.chosen(stack.backups?.repository)?.name;
    const schedule = scheduleOf(stack, isPreviewEnvironment(scope.environment));
    const nextAt = schedule && repository && nextRun(schedule, this.#parts.clock.now());
    const sources = found.sources.map((source): SourcePlan => {
      const { last, lastVerified } = this.runs.latest(scope, source.name);
      const supported = this.#parts.keepers[source.kind] !== undefined;
      return {
        ...source,
        supported,
        ...(last ? { last } : {}),
        ...(lastVerified ? { lastVerified } : {}),
        ...(supported && typeof nextAt === "number" ? { nextAt } : {}),
      };
    });
    return {
      scope,
      ...(schedule ? { schedule } : {}),
      ...(repository === undefined ? {} : { repository }),
      sources,
      uncovered: found.uncovered,
    };
  }

  /** Queues a backup of these sources, or of all. Refuses the whole wish when one of them is under way. */
  request(
    scope: Scope,
    sources: readonly string[],
    by: { requestedBy: string; reason: string },
  ): BackupRun[] {
    const plan = this.plan(scope);
    const { repository } = plan;
    if (repository === undefined)
      throw vaultError("VAULT_NO_REPOSITORY", "no repository is set up: backups have nowhere to go");
    const wanted = plan.sources.filter(
      (source) => source.supported && (sources.length === 0 || sources.includes(source.name)),
    );
    const missing = sources.find((name) => !wanted.some((source) => source.name === name));
    if (missing !== undefined || wanted.length === 0)
      throw vaultError(
        "VAULT_NO_SOURCE",
        missing === undefined
          ? `${scopeKey(scope)} has nothing that can be backed up`
          : `${scopeKey(scope)} has no source ${missing} that can be backed up`,
      );
    const busy = wanted.map(({ last }) => last).find((last) => last !== undefined && isUnfinished(last));
    if (busy)
      throw vaultError("VAULT_BUSY", `${busy.source} is being backed up already: ${busy.id}, ${busy.phase}`);
    return this.#parts.store.transaction(() =>
      wanted.map((source) => this.#queue(scope, source, { ...by, repository })),
    );
  }

  /** Reads a snapshot back and restores it once more. */
  verifyAgain(id: string): BackupRun {
    const run = this.find(id);
    if (!isThere(run)) throw vaultError("VAULT_NO_RUN", `${id} has no snapshot any more`);
    if (isUnfinished(run)) throw vaultError("VAULT_BUSY", `${id} is under way: ${run.phase}`);
    const { finishedAt: _was, failure: _failure, ...rest } = run;
    const again: BackupRun = { ...rest, state: "queued", phase: "verify", attempt: 0 };
    this.runs.put(again);
    this.#bell?.();
    return again;
  }

  /** A pinned snapshot stays whatever retention says. */
  pin(id: string, why: string | undefined): BackupRun {
    const { pinned: _was, ...rest } = this.find(id);
    const run: BackupRun = why === undefined ? rest : { ...rest, pinned: why };
    this.runs.put(run);
    return run;
  }

  find(id: string): BackupRun {
    const run = this.runs.find(id);
    if (!run) throw vaultError("VAULT_NO_RUN", `there is no backup ${id}`);
    return run;
  }

  /** The content of a snapshot, in the plain format of its kind. */
  async content(
    id: string,
    signal: AbortSignal,
  ): Promise<{ run: BackupRun; content: AsyncIterable<Uint8Array> }> {
    const run = this.find(id);
    if (!isThere(run)) throw vaultError("VAULT_NO_RUN", `${id} has no snapshot any more`);
    const repository = await this.#parts.repositories.open(run.repository, signal);
    return { run, content: repository.read(run.snapshot.id, signal) };
  }

  /** The stack that a scope runs now. */
  stackOf(scope: Scope): Stack {
    const stack = this.#resolve(scope)?.stack;
    if (!stack) throw vaultError("VAULT_NO_RELEASE", `${scopeKey(scope)} has no release`);
    return stack;
  }

  #queue(
    scope: Scope,
    { name, kind, priority }: BackupSource,
    by: { requestedBy: string; reason: string; repository: string },
  ): BackupRun {
    const { ids, clock } = this.#parts;
    const run: BackupRun = {
      id: ids.next("backup"),
      scope,
      source: name,
      kind,
      priority,
      state: "queued",
      phase: "dump",
      attempt: 0,
      createdAt: clock.now(),
      ...by,
    };
    this.runs.put(run);
    this.#bell?.();
    return run;
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop;
    await this.#cleanUp();
    while (!signal.aborted) {
      const next = this.#next();
      try {
        if (next) await this.#attempt(next);
        else await this.#wait(tickMs);
      } catch (error) {
        this.#parts.log("error", `backups stand still for a while: ${messageOf(error)}`);
        await this.#wait(tickMs);
      }
    }
  }

  /** Begun ones first, then the most important, then the oldest. */
  #next(): BackupRun | undefined {
    const rank = (run: BackupRun) => [run.state === "running" ? 0 : 1, priorities.indexOf(run.priority)];
    return this.runs.unfinished().sort((a, b) => {
      const [one, other] = [rank(a), rank(b)];
      return (one[0] ?? 0) - (other[0] ?? 0) || (one[1] ?? 0) - (other[1] ?? 0);
    })[0];
  }

  async #attempt(queued: BackupRun): Promise<void> {
    const { clock, store, log } = this.#parts;
    const lease = sourceLease(queued.scope, queued.source);
    // The holder is the run itself: after a crash it goes on at once.
    if (!store.leases.acquire(lease, queued.id, leaseMs, clock.now())) return await this.#wait(tickMs);
    const attempt = queued.attempt + 1;
    const run: BackupRun = {
      ...queued,
      state: "running",
      attempt,
      startedAt: queued.startedAt ?? clock.now(),
    };
    const renewal = this.#renew(lease, run.id);
    try {
      if (attempt > maxAttempts)
        throw vaultError("VAULT_INTERRUPTED", `the control plane ended ${maxAttempts} times during it`);
      this.#save(run);
      const limit = AbortSignal.timeout(runLimitMs);
      const kept = { scope: run.scope, stack: this.stackOf(run.scope), source: this.#sourceOf(run) };
      await this.#backUp.carryOut(run, kept, AbortSignal.any([this.#stop.signal, renewal.lost, limit]));
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(run, error);
      else log("info", `${run.id} goes on when the control plane is back`);
    } finally {
      renewal.done();
      store.leases.release(lease, run.id);
    }
  }

  #fail(run: BackupRun, error: unknown): void {
    const { clock, log, mask } = this.#parts;
    const failure = failureOf(error, (text) => mask(run.scope, text));
    const now = this.runs.find(run.id) ?? run;
    // With a snapshot it is done, if unverified; retention will not go by it.
    const state = isThere(now) ? "done" : "failed";
    this.#save({ ...now, state, failure, finishedAt: clock.now() });
    log("warn", `backup of ${scopeKey(run.scope)}/${run.source} failed: ${failure.message}`, { run: run.id });
    this.#parts.notify({
      kind: "backup",
      severity: run.priority === "low" ? "warning" : "critical",
      scope: run.scope,
      title: "Backup failed",
      text: `${run.source}: ${failure.message}`,
      at: clock.now(),
      key: `backup ${run.id} failed`,
    });
  }

  #renew(lease: string, holder: string): { lost: AbortSignal; done: () => void } {
    const { store, clock } = this.#parts;
    const [lost, over] = [new AbortController(), new AbortController()];
    const renew = async () => {
      for (;;) {
        await clock.sleep(leaseMs / 3, over.signal);
        if (!store.leases.acquire(lease, holder, leaseMs, clock.now()))
          lost.abort(new Error(`somebody else took ${lease}`));
      }
    };
    renew().catch(() => undefined);
    return { lost: lost.signal, done: () => over.abort(new Error("it is over")) };
  }

  async #watchSchedules(): Promise<void> {
    const { clock, log, store } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      for (const { scope } of store.scopes.list()) {
        try {
          this.#enqueueDue(scope);
        } catch (error) {
          log("warn", `the schedule of ${scopeKey(scope)} could not be read: ${messageOf(error)}`);
        }
      }
      await clock.sleep(tickMs, signal).catch(() => undefined);
    }
  }

  #enqueueDue(scope: Scope): void {
    if (!this.#knownOf(scope)) return;
    const { schedule, repository, sources } = this.plan(scope);
    if (schedule === undefined || repository === undefined) return;
    const now = this.#parts.clock.now();
    for (const source of sources) {
      if (!source.supported || (source.last && isUnfinished(source.last))) continue;
      const since = source.last?.createdAt ?? this.#firstSeen(scope, source.name);
      if (isDue(schedule, since, now))
        this.#queue(scope, source, { requestedBy: "schedule", reason: "", repository });
    }
  }

  #firstSeen(scope: Scope, source: string): number {
    const { store, clock } = this.#parts;
    const key = `${scopeKey(scope)}/${source}`;
    const known = store.records.get<{ at: number }>("backup-first-seen", key);
    if (known) return known.at;
    store.records.put("backup-first-seen", key, { at: clock.now() });
    return clock.now();
  }

  /** Hours since the last verified copy, and snapshots that may not be restorable: for the alert rules. */
  facts(): { age: SourceFact[]; suspect: SourceFact[] } {
    const { store, clock } = this.#parts;
    const [age, suspect]: [SourceFact[], SourceFact[]] = [[], []];
    for (const { scope } of store.scopes.list()) {
      if (!this.#knownOf(scope)) continue;
      const { schedule, repository, sources } = this.plan(scope);
      if (schedule === undefined || repository === undefined) continue;
      for (const { name, supported, last, lastVerified, priority } of sources) {
        if (!supported) continue;
        const since = lastVerified?.snapshot?.takenAt ?? this.#firstSeen(scope, name);
        const hours = (clock.now() - since) / 3600_000;
        if (priority !== "low") age.push({ scope, source: name, value: hours });
        const bad = last && (last.verdict === "suspect" || last.verdict === "failed") ? last : undefined;
        const words = bad && `${bad.verdict}: ${(bad.reasons ?? []).slice(0, 3).join("; ")}`;
        suspect.push({ scope, source: name, value: bad ? 1 : 0, ...(words === undefined ? {} : { words }) });
      }
    }
    return { age, suspect };
  }

  #sourceOf(run: BackupRun): BackupSource {
    const source = this.#knownOf(run.scope)?.coverage.sources.find(({ name }) => name === run.source);
    if (!source)
      throw vaultError("VAULT_NO_SOURCE", `${scopeKey(run.scope)} has no source ${run.source} any more`);
    return source;
  }

  #knownOf(scope: Scope): Known | undefined {
    const key = scopeKey(scope);
    const release = this.#parts.store.scopes.get(scope)?.current;
    const known = this.#known.get(key);
    if (release === undefined || known?.release === release) return release === undefined ? undefined : known;
    const stack = this.#resolve(scope)?.stack;
    if (!stack) return undefined;
    const { backups } = stack;
    const fresh = { release, stack: backups ? { backups } : {}, coverage: coverage(stack) };
    this.#known.set(key, fresh);
    return fresh;
  }

  #resolve(scope: Scope): { stack?: Stack } | undefined {
    const { store, resolve } = this.#parts;
    const current = store.scopes.get(scope)?.current;
    const release = current && store.releases.get(current);
    return release && resolve(release.bundle, scope.environment);
  }

  async #cleanUp(): Promise<void> {
    const { keepers, log } = this.#parts;
    const keepersOnce = new Set(Object.values(keepers));
    for (const keeper of keepersOnce) {
      try {
        await keeper.removeLeftovers(this.#stop.signal);
      } catch (error) {
        if (!this.#stop.signal.aborted)
          log("warn", `throw-away places that were left could not be removed: ${messageOf(error)}`);
      }
    }
  }

  async #wait(ms: number): Promise<void> {
    const early = new AbortController();
    const rung = new Promise<void>((resolve) => {
      this.#bell = resolve;
    });
    const slept = this.#parts.clock.sleep(ms, AbortSignal.any([early.signal, this.#stop.signal]));
    await Promise.race([rung, slept.catch(() => undefined)]);
    this.#bell = undefined;
    early.abort(new Error("woken"));
  }

  #save(run: BackupRun): void {
    this.runs.put(run);
    this.#parts.onSaved?.(run);
  }
}

export type SourceFact = { scope: Scope; source: string; value: number; words?: string };
