import { messageOf } from "../lib/platform-error.ts";
import { isDue } from "../policy/backup-schedule.ts";
import { type BackupSource, priorities } from "../policy/backup-source.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { BackUp, failureOf } from "./back-up.ts";
import { type BackupRun, BackupRuns, isThere, isUnfinished, sourceLease } from "./backup-run.ts";
import { vaultError } from "./errors.ts";
import type { VaultParts } from "./parts.ts";
import { type BackupPlan, PlanBook, type SourceFact } from "./plan-book.ts";

/** A schedule is written to the minute. */
const tickMs = 30_000;
/** The longest that one backup may take, verification included. */
const runLimitMs = 12 * 3600_000;
const leaseMs = 60_000;
/** A run that the control plane never survives must not go on for ever. */
const maxAttempts = 3;

/** Backs up what runs: on schedule or when asked, one after the other, and takes up what a crash interrupted. */
export class Vault {
  readonly runs: BackupRuns;
  readonly #parts: VaultParts;
  readonly #backUp: BackUp;
  readonly #stop = new AbortController();
  readonly #plans: PlanBook;
  #bell: (() => void) | undefined;
  #loops: Promise<unknown> | undefined;

  constructor(parts: VaultParts) {
    this.#parts = parts;
    this.runs = new BackupRuns(parts.store);
    this.#backUp = new BackUp(parts, this.runs);
    this.#plans = new PlanBook(parts, this.runs);
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
    return this.#plans.plan(scope);
  }

  /** Hours since the last verified copy, and snapshots that may not be restorable: for the alert rules. */
  facts(): { age: SourceFact[]; suspect: SourceFact[] } {
    return this.#plans.facts();
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
      try {
        if (!(await this.#oneOf(this.#queued()))) await this.#wait(tickMs);
      } catch (error) {
        this.#parts.log("error", `backups stand still for a while: ${messageOf(error)}`);
        await this.#wait(tickMs);
      }
    }
  }

  /** Begun ones first, then the most important, then the oldest. */
  #queued(): BackupRun[] {
    const rank = (run: BackupRun) => [run.state === "running" ? 0 : 1, priorities.indexOf(run.priority)];
    return this.runs.unfinished().sort((a, b) => {
      const [one, other] = [rank(a), rank(b)];
      return (one[0] ?? 0) - (other[0] ?? 0) || (one[1] ?? 0) - (other[1] ?? 0);
    });
  }

  /** The first whose source nobody else holds. The holder is the run itself: after a crash it goes on at once. */
  async #oneOf(queued: readonly BackupRun[]): Promise<boolean> {
    const { clock, store } = this.#parts;
    for (const run of queued) {
      const lease = sourceLease(run.scope, run.source);
      if (!store.leases.acquire(lease, run.id, leaseMs, clock.now())) continue;
      await this.#attempt(run, lease);
      return true;
    }
    return false;
  }

  async #attempt(queued: BackupRun, lease: string): Promise<void> {
    const { clock, store, log } = this.#parts;
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
      const kept = {
        scope: run.scope,
        stack: this.#plans.stackOf(run.scope),
        source: this.#plans.sourceOf(run),
      };
      await this.#backUp.carryOut(run, kept, AbortSignal.any([this.#stop.signal, renewal.lost, limit]));
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#fail(run, error);
      } else {
        // A restart in good order is no sign that the run kills its control plane.
        const now = this.runs.find(run.id) ?? run;
        this.#save({ ...now, attempt: attempt - 1, resumed: true });
        log("info", `${run.id} goes on when the control plane is back`);
      }
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
    if (!this.#plans.knows(scope)) return;
    const { schedule, repository, sources } = this.plan(scope);
    if (schedule === undefined || repository === undefined) return;
    const now = this.#parts.clock.now();
    for (const source of sources) {
      if (!source.supported || (source.last && isUnfinished(source.last))) continue;
      const since = source.last?.createdAt ?? this.#plans.firstSeen(scope, source.name);
      if (isDue(schedule, since, now))
        this.#queue(scope, source, { requestedBy: "schedule", reason: "", repository });
    }
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
