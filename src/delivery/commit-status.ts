import type { CommitStatus, Forges } from "../forge/port.ts";
import type { Clock } from "../lib/clock.ts";
import { hasCode, messageOf } from "../lib/platform-error.ts";
import type { Engine } from "../reconciler/engine.ts";
import type { Store } from "../store/port.ts";
import type { Delivery } from "./delivery.ts";
import { isOver, type Run, type RunId } from "./run.ts";
import { sourceSecret } from "./source-secrets.ts";
import { sourceSettings } from "./source-settings.ts";

const collection = "commit-statuses";
/** Waits between the tries of one status: about an hour in all, then it is given up. */
const waitsMs = [2_000, 10_000, 60_000, 300_000, 900_000, 1_800_000];
/** Runs whose status is under way at once; the others are looked at when one is done. */
const width = 8;
/** So many runs are looked at after a restart. */
const looksBack = 100;

export type CommitStatusParts = {
  store: Store;
  clock: Clock;
  delivery: Delivery;
  engine: Pick<Engine, "status">;
  forges: Forges;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};

/**
 * Shows at the forge what becomes of a commit: pending when its run is accepted, the outcome when it is over. It only
 * listens, so no run ever waits for a forge; what was said last is stored, so a restart goes on where it was.
 */
export class CommitStatuses {
  readonly #parts: CommitStatusParts;
  readonly #stop = new AbortController();
  readonly #working = new Map<RunId, Promise<void>>();
  readonly #waiting = new Set<RunId>();
  /** Given up; only a change of the run makes it worth another try. */
  readonly #givenUp = new Map<RunId, CommitStatus["state"]>();
  #deaf: () => void = () => undefined;

  constructor(parts: CommitStatusParts) {
    this.#parts = parts;
  }

  start(): void {
    const { book } = this.#parts.delivery;
    this.#deaf = book.onChange((id) => this.#look(id));
    for (const { id } of book.list(looksBack)) this.#look(id);
  }

  async stop(): Promise<void> {
    this.#deaf();
    this.#stop.abort(new Error("the control plane stops"));
    await Promise.all(this.#working.values());
  }

  #look(id: RunId): void {
    if (this.#stop.signal.aborted || this.#working.has(id) || this.#due(id) === undefined) return;
    if (this.#working.size >= width) {
      this.#waiting.add(id);
      return;
    }
    const work = this.#report(id).finally(() => {
      this.#working.delete(id);
      // It may have changed since the last look, and others wait for the place.
      for (const next of [id, ...this.#waiting]) {
        this.#waiting.delete(next);
        this.#look(next);
      }
    });
    this.#working.set(id, work);
  }

  /** The run whose status at the forge is not what it should be. */
  #due(id: RunId): Run | undefined {
    const run = this.#parts.delivery.book.get(id);
    if (!run || !sourceSettings(this.#parts.store, run.source).status) return undefined;
    const { state } = statusOf(run);
    const said = this.#parts.store.records.get<{ state: string }>(collection, id)?.state;
    return said === state || this.#givenUp.get(id) === state ? undefined : run;
  }

  async #report(id: RunId): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const run = this.#due(id);
      if (!run || this.#stop.signal.aborted) return;
      const status = statusOf(run);
      try {
        await this.#send(run, status);
        this.#parts.store.records.put(collection, id, { state: status.state });
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const wait = hasCode(error, "FORGE_UNREACHABLE") ? waitsMs[attempt] : undefined;
        const next = wait === undefined ? "given up" : `again in ${wait / 1000} s`;
        this.#parts.log("warn", `status of ${run.source} at its forge: ${messageOf(error)}; ${next}`, {
          run: id,
        });
        if (wait === undefined) {
          this.#givenUp.set(id, status.state);
          return;
        }
        await this.#sleep(id, wait, status.state);
      }
    }
  }

  /** Cut short when there is something else to say by now. */
  async #sleep(id: RunId, ms: number, state: CommitStatus["state"]): Promise<void> {
    const early = new AbortController();
    const deaf = this.#parts.delivery.book.onChange((changed) => {
      const run = changed === id ? this.#parts.delivery.book.get(id) : undefined;
      if (run && statusOf(run).state !== state) early.abort();
    });
    const signal = AbortSignal.any([this.#stop.signal, early.signal]);
    await this.#parts.clock.sleep(ms, signal).catch(() => undefined);
    deaf();
  }

  async #send(run: Run, status: CommitStatus): Promise<void> {
    const { store, forges } = this.#parts;
    const settings = sourceSettings(store, run.source).status;
    if (!settings) return;
    const { forge, apiUrl, repository, secretName } = settings;
    const token = sourceSecret(store, run.source, secretName) ?? "";
    const at = { repository, commit: run.commit, token, ...(apiUrl === undefined ? {} : { apiUrl }) };
    const url = status.state === "success" && !run.checksOnly ? await this.#urlOf(run) : undefined;
    const shown = url === undefined ? status : { ...status, targetUrl: url };
    await (await forges(forge)).setStatus?.(at, shown, this.#stop.signal);
  }

  /** Where the commit answers now. */
  async #urlOf({ scope }: Run): Promise<string | undefined> {
    const status = await this.#parts.engine.status(scope).catch(() => undefined);
    return status?.services.flatMap(({ urls }) => urls)[0];
  }
}

/** What a run means for its commit. A run that another one replaced says nothing bad about it. */
export function statusOf(run: Run): CommitStatus {
  const { environment } = run.scope;
  const part = run.services === undefined ? "" : `/${run.services.join("+")}`;
  const context = `roadstead/${run.checksOnly ? "checks" : environment}${part}`;
  if (!isOver(run.state)) return { state: "pending", context, description: "accepted" };
  const why = run.failure ? `${run.failure.phase}: ${run.failure.message}` : run.state;
  switch (run.state) {
    case "succeeded":
      return {
        state: "success",
        context,
        description: run.checksOnly ? "checks passed" : `${environment} serves it`,
      };
    case "failed":
    case "rejected":
      return { state: "failure", context, description: why };
    default:
      return { state: "error", context, description: why };
  }
}
