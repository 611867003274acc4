import { messageOf } from "../lib/platform-error.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { failureOf } from "./back-up.ts";
import { vaultError } from "./errors.ts";
import { removeVolumes } from "./restore-builder.ts";
import type { RestoreParts } from "./restore-parts.ts";
import { planRestore, type RestoreRequest, stackAsWritten } from "./restore-plan.ts";
import { type RestoreRun, RestoreRuns } from "./restore-run.ts";
import { RestoreWork } from "./restore-work.ts";

const maxAttempts = 3;
const runLimitMs = 6 * 3600_000;
const cleanUpMs = 120_000;

/** Restores data, takes restores back, and goes on with what a crash interrupted. One at a time in each scope. */
export class Restorer {
  readonly runs: RestoreRuns;
  readonly #parts: RestoreParts;
  readonly #work: RestoreWork;
  readonly #stop = new AbortController();
  readonly #tasks = new Map<string, Promise<void>>();

  constructor(parts: RestoreParts) {
    this.#parts = parts;
    this.runs = new RestoreRuns(parts.store);
    this.#work = new RestoreWork(parts);
  }

  start(): void {
    for (const run of this.runs.unfinished()) this.#begin(run);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await Promise.all(this.#tasks.values());
  }

  /** What a restore would do; nothing is written down. */
  foresee(origin: Scope, request: RestoreRequest) {
    return planRestore(this.#parts, origin, request, "restore_next");
  }

  request(origin: Scope, request: RestoreRequest, by: { requestedBy: string; reason: string }): RestoreRun {
    const { ids } = this.#parts;
    const id = ids.next("restore");
    const plan = planRestore(this.#parts, origin, request, id);
    this.#refuseBusy(plan.scope);
    const notes = request.noSafety ? ["no copy of what serves was wanted"] : [];
    return this.#queue({
      ...plan,
      ...by,
      id,
      kind: "restore",
      phase: "build",
      notes,
      ...(request.mask === undefined ? {} : { mask: request.mask }),
      ...(request.acceptSuspect ? { acceptSuspect: true } : {}),
    });
  }

  /** Brings back the volumes that served before a restore. */
  undo(id: string, by: { requestedBy: string; reason: string }): RestoreRun {
    const { store, ids } = this.#parts;
    const of = this.find(id);
    this.#refuseBusy(of.scope);
    const standIns = store.scopes.get(of.scope)?.standIns ?? {};
    const mounts = of.items.flatMap((item) => Object.entries(item.mounts));
    const serves = mounts.every(([key, name]) => standIns[key] === name);
    if (of.kind !== "restore" || of.state !== "done" || of.releasedAt !== undefined || !serves)
      throw vaultError(
        "VAULT_NO_UNDO",
        of.releasedAt === undefined
          ? `${id} is not what serves now`
          : `what served before ${id} has been released`,
      );
    const { scope, origin, items, before } = of;
    const base = { scope, origin, items, before, kind: "undo" as const, phase: "switch" as const, of: id };
    return this.#queue({ ...base, ...by, id: ids.next("undo"), notes: [] });
  }

  /** Removes the volumes that a restore, or its undoing, has left unused. */
  async release(id: string, signal: AbortSignal): Promise<RestoreRun> {
    const { clock, runtime } = this.#parts;
    const run = this.find(id);
    this.#refuseBusy(run.scope);
    if (run.kind !== "restore" || run.state !== "done")
      throw vaultError("VAULT_NO_UNDO", `${id} has left nothing to release`);
    if (run.releasedAt !== undefined) return run;
    const { names, notes } = this.#unused(run);
    await removeVolumes(runtime, run.scope, names, signal);
    const released = { ...run, releasedAt: clock.now(), notes: [...run.notes, ...notes] };
    this.runs.put(released);
    return released;
  }

  find(id: string): RestoreRun {
    const run = this.runs.find(id);
    if (!run) throw vaultError("VAULT_NO_RUN", `there is no restore ${id}`);
    return run;
  }

  #unused(run: RestoreRun): { names: string[]; notes: string[] } {
    const mounts = run.items.flatMap((item) => Object.entries(item.mounts));
    if (run.undoneBy !== undefined) return { names: mounts.map(([, name]) => name), notes: [] };
    const { volumes } = stackAsWritten(this.#parts, run.scope);
    const [names, notes]: [string[], string[]] = [[], []];
    for (const [key, before] of Object.entries(run.before)) {
      const written = volumes[key];
      if (before !== null) names.push(before);
      else if (written && !written.external) names.push(written.name);
      else notes.push(`${written?.name ?? key} is not Roadstead's to remove`);
    }
    return { names, notes };
  }

  #refuseBusy(scope: Scope): void {
    const busy = this.runs.unfinished().find((run) => scopeKey(run.scope) === scopeKey(scope));
    if (busy)
      throw vaultError(
        "VAULT_BUSY",
        `${scopeKey(scope)} is being restored already: ${busy.id}, ${busy.phase}`,
        {
          hint: "One at a time: `roadstead restore list` shows it.",
        },
      );
  }

  #queue(wish: Omit<RestoreRun, "state" | "attempt" | "createdAt">): RestoreRun {
    const run: RestoreRun = { ...wish, state: "queued", attempt: 0, createdAt: this.#parts.clock.now() };
    this.runs.put(run);
    this.#begin(run);
    return run;
  }

  #begin(run: RestoreRun): void {
    const { log } = this.#parts;
    const task = this.#attempt(run)
      // The store itself failed: nothing can be written down, the next start takes it up.
      .catch((error: unknown) => log("error", `${run.id}: ${messageOf(error)}`))
      .finally(() => this.#tasks.delete(run.id));
    this.#tasks.set(run.id, task);
  }

  async #attempt(queued: RestoreRun): Promise<void> {
    const { clock, log } = this.#parts;
    const attempt = queued.attempt + 1;
    const run: RestoreRun = {
      ...queued,
      state: "running",
      attempt,
      startedAt: queued.startedAt ?? clock.now(),
    };
    try {
      if (attempt > maxAttempts)
        throw vaultError("VAULT_INTERRUPTED", `the control plane ended ${maxAttempts} times during it`);
      this.#save(run);
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(runLimitMs)]);
      this.#finished(await this.#work.carryOut(run, signal));
    } catch (error) {
      if (this.#stop.signal.aborted) log("info", `${run.id} goes on when the control plane is back`);
      else await this.#failed(run, error);
    }
  }

  #finished(run: RestoreRun): void {
    const { of } = run;
    const before = of === undefined ? undefined : this.runs.find(of);
    if (before) this.runs.put({ ...before, undoneBy: run.id });
    const names = run.items.map(({ source }) => source).join(", ");
    const what = run.kind === "undo" ? "what served before is back" : "restored and serving";
    this.#tell(run, { severity: "info", title: "Restored", text: `${names}: ${what}` });
  }

  async #failed(begun: RestoreRun, error: unknown): Promise<void> {
    const { clock, mask, log } = this.#parts;
    const run = this.runs.find(begun.id) ?? begun;
    const failure = failureOf(error, (text) => mask(run.scope, text));
    await this.#work
      .discard(run, AbortSignal.timeout(cleanUpMs))
      .catch(() => log("warn", `new volumes of ${run.id} could not be removed`));
    this.#save({ ...run, state: "failed", failure, finishedAt: clock.now() });
    const text = `${failure.message}. What served before goes on.`;
    this.#tell(run, { severity: "critical", title: "Restore failed", text });
  }

  #tell(
    { id, scope }: RestoreRun,
    news: { severity: "info" | "critical"; title: string; text: string },
  ): void {
    const { notify, clock } = this.#parts;
    notify({ kind: "backup", scope, at: clock.now(), key: `${id} ${news.title}`, ...news });
  }

  #save(run: RestoreRun): void {
    this.runs.put(run);
    this.#parts.onSaved?.(run);
  }
}
