import { statementText } from "../policy/sql-text.ts";
import type { Scope } from "../rollout/ids.ts";

export type SlowQuery = {
  scope: Scope;
  service: string;
  database: string;
  /** Without literals. */
  text: string;
  /** Runs that were slow, since this process began. */
  calls: number;
  meanMs: number;
  maxMs: number;
  /** Epoch ms. */
  lastSeen: number;
};

export type SlowRun = Pick<SlowQuery, "scope" | "service" | "database" | "text"> & {
  ms: number;
  calls: number;
};

/** Of all databases together; the one that was not seen for longest makes room. */
const most = 300;

/** Statements that took longer than their database's threshold, by what they ask. */
export class SlowQueryBook {
  readonly #known = new Map<string, SlowQuery>();

  /** `ms`: of one run; of several the mean. */
  note(run: SlowRun, at: number): void {
    const { scope, service, database, ms, calls } = run;
    const text = statementText(run.text);
    const key = JSON.stringify([scope.stack, scope.environment, service, database, text]);
    const known = this.#known.get(key);
    // Again at the end, so that the first is the one to go.
    this.#known.delete(key);
    const all = (known?.calls ?? 0) + calls;
    this.#known.set(key, {
      ...{ scope, service, database, text, calls: all, lastSeen: at },
      meanMs: ((known?.meanMs ?? 0) * (known?.calls ?? 0) + ms * calls) / all,
      maxMs: Math.max(known?.maxMs ?? 0, ms),
    });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= most) break;
      this.#known.delete(oldest);
    }
  }

  /** The slowest first. */
  list(): SlowQuery[] {
    return [...this.#known.values()].sort((a, b) => b.maxMs - a.maxMs);
  }
}
