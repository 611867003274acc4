import type { Facts } from "../policy/alert-measure.ts";
import type { Reading } from "../policy/alert-rule.ts";
import { type DeploymentId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { Deployment, JournalEntry } from "../store/port.ts";
import type { AlertingParts } from "./parts.ts";

const looksBack = 10;
const crashWindowMs = 600_000;
const mostServices = 1000;
const longestMessage = 300;
/** Told by the scheduler itself, with both digests. */
const toldElsewhere = "auto-update";

/** What the reconciler says of a replica that ended without being told to. */
export type Crash = { scope: Scope; service: string; ended: boolean; at: number };

/** What the store knows and no series holds. It follows the journal, so a calm pass asks the store next to nothing. */
export class FactSource {
  readonly #parts: Pick<AlertingParts, "store" | "clock" | "mask" | "backups">;
  readonly #failed = new Map<string, Reading>();
  /** When a deployment was last heard of, or will be: a canary is silent on purpose. */
  readonly #heard = new Map<DeploymentId, number>();
  /** Ends of replicas that nobody wanted, by scope and service. */
  readonly #crashes = new Map<string, { scope: Scope; service: string; at: number[] }>();
  readonly #since: number;
  readonly #deaf: () => void;

  constructor(parts: Pick<AlertingParts, "store" | "clock" | "mask" | "backups">) {
    this.#parts = parts;
    this.#since = parts.clock.now();
    for (const { scope } of parts.store.scopes.list()) this.#look(scope);
    this.#deaf = parts.store.deployments.onAppend((entry) => this.#hear(entry));
  }

  close(): void {
    this.#deaf();
  }

  read(): Facts {
    const { store, clock, backups } = this.#parts;
    const unfinished = store.deployments.unfinished("all").filter(({ state }) => state !== "queued");
    const running = new Set(unfinished.map(({ id }) => id));
    for (const id of this.#heard.keys()) if (!running.has(id)) this.#heard.delete(id);
    const { age = [], suspect = [] } = backups?.() ?? {};
    return {
      crashes: this.#failedRestarts(clock.now()),
      deploymentFailed: [...this.#failed.values()],
      deploymentStuck: unfinished.map((one) => {
        const last = Math.max(this.#heard.get(one.id) ?? this.#since, one.startedAt ?? one.createdAt);
        const minutes = Math.max(0, clock.now() - last) / 60_000;
        return {
          subject: { scope: scopeKey(one.scope) },
          value: minutes,
          words: `${one.kind} silent for ${Math.floor(minutes)} min`,
        };
      }),
      backupAge: age,
      backupSuspect: suspect,
    };
  }

  /** A replica fell ill, or is well again. */
  noteHealth({ scope, service, ended, at }: Crash): void {
    if (!ended) return;
    const key = `${scopeKey(scope)}/${service}`;
    const known = this.#crashes.get(key)?.at ?? [];
    if (known.length === 0 && this.#crashes.size >= mostServices) return;
    this.#crashes.set(key, { scope, service, at: [...known.slice(-19), at] });
  }

  /** The first end is no failed restart. */
  #failedRestarts(now: number): Reading[] {
    const found: Reading[] = [];
    for (const [key, { scope, service, at }] of this.#crashes) {
      const ends = at.filter((one) => one > now - crashWindowMs).length;
      if (ends === 0) this.#crashes.delete(key);
      const value = Math.max(0, ends - 1);
      found.push({
        subject: { scope: scopeKey(scope), service },
        value,
        words: `${value} failed restarts in 10 min`,
      });
    }
    return found;
  }

  #hear(entry: JournalEntry): void {
    const isCanary =
      entry.event === "stepStarted" && entry.step.kind === "watchCanary" ? entry.step.forSeconds : 0;
    this.#heard.set(entry.deployment, entry.at + isCanary * 1000);
    if (entry.event !== "stateChanged") return;
    const deployment = this.#parts.store.deployments.get(entry.deployment);
    if (deployment) this.#look(deployment.scope);
  }

  #look(scope: Scope): void {
    const key = scopeKey(scope);
    const last = this.#parts.store.deployments
      .list(scope, looksBack)
      .find(({ state }) => state === "succeeded" || state === "failed");
    if (last?.state === "failed" && last.requestedBy !== toldElsewhere)
      this.#failed.set(key, this.#reading(last));
    else this.#failed.delete(key);
  }

  #reading({ scope, kind, failure }: Deployment): Reading {
    const where = failure?.service === undefined ? "" : `${failure.service}: `;
    const why = this.#parts.mask(scope, failure?.message ?? "it failed");
    return {
      subject: { scope: scopeKey(scope) },
      value: 1,
      words: `${kind}: ${where}${why}`.slice(0, longestMessage),
      ...(failure?.outcome === undefined ? {} : { detail: failure.outcome }),
    };
  }
}
