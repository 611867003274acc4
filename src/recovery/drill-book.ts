import type { IncidentClass } from "../policy/alert-rule.ts";
import type { Schedule } from "../policy/backup-schedule.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import { recoveryError } from "./errors.ts";

/** A rehearsal of one branch, from being asked for to its verdict. */
export type Drill = {
  id: string;
  branch: Exclude<IncidentClass, "server">;
  /** What is rehearsed. */
  scope: Scope;
  service?: string;
  live: boolean;
  by: string;
  state: "running" | "passed" | "failed" | "skipped";
  phase: "copy" | "break" | "recover" | "done";
  /** Where it happens: a throw-away environment, or the stack itself. */
  place: Scope;
  /** The deployment that brings up the copy. */
  deployment?: string;
  /** When the failure was caused. */
  brokenAt?: number;
  incident?: string;
  startedAt: number;
  endedAt?: number;
  rtoTarget: number;
  rto?: number;
  rpoTarget?: number;
  rpo?: number;
  detail?: string;
  /** The throw-away environment is gone. */
  cleaned: boolean;
};

export type DrillSchedule = Schedule & { scope: Scope; since: number };

const collections = { drills: "drills", schedules: "drill-schedules" } as const;
const maxListed = 500;
const maxKept = 2000;

/** The durable side of drills. */
export class DrillBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get(id: string): Drill {
    const drill = this.#store.records.get<Drill>(collections.drills, id);
    if (!drill) throw recoveryError("DRILL_UNKNOWN", `there is no drill ${id}`);
    return drill;
  }

  put(drill: Drill): Drill {
    this.#store.records.put(collections.drills, drill.id, drill);
    return drill;
  }

  change(id: string, changes: Partial<Drill>): Drill {
    return this.#store.transaction(() => this.put({ ...this.get(id), ...changes }));
  }

  /** Newest first. */
  list(limit: number = maxListed): Drill[] {
    return this.#store.records
      .list<Drill>(collections.drills, { limit, newestFirst: true })
      .map(({ value }) => value);
  }

  /** The running drill that happens there. */
  at(place: Scope): Drill | undefined {
    return this.list(50).find(
      (drill) => drill.state === "running" && scopeKey(drill.place) === scopeKey(place),
    );
  }

  prune(): void {
    for (const { id } of this.#store.records
      .list<Drill>(collections.drills, { limit: maxKept * 2, newestFirst: true })
      .slice(maxKept)
      .map(({ value }) => value))
      this.#store.records.remove(collections.drills, id);
  }

  schedules(): DrillSchedule[] {
    return this.#store.records.list<DrillSchedule>(collections.schedules).map(({ value }) => value);
  }

  schedule(schedule: DrillSchedule): void {
    this.#store.records.put(collections.schedules, scopeKey(schedule.scope), schedule);
  }

  unschedule(scope: Scope): void {
    this.#store.records.remove(collections.schedules, scopeKey(scope));
  }
}
