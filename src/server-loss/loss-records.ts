import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";

const collection = "server-loss";

/** This installation, wherever it runs: a recovered one is the same. */
export type Installation = {
  id: string;
  /** Rises with every recovery; who has less than the repository knows must not serve. */
  epoch: number;
};

/** Another host has a higher epoch. */
export type Fenced = { at: number; epoch: number; own: number; reason: string };

/** The last copy of the control plane's own state. */
export type StateCopy = {
  repository: string;
  at: number;
  verdict: "verified" | "failed";
  reasons: readonly string[];
  snapshot?: string;
  sizeBytes?: number;
  tookMs: number;
};

export type RecoveredItem = {
  name: string;
  kind: string;
  state: "waiting" | "restoring" | "done" | "lost";
  /** Of the snapshot that was taken. */
  snapshot?: string;
  takenAt?: number;
  /** Of the snapshot, or of the comparison with what was restored. */
  verdict?: string;
  reason?: string;
};

export const stackPhases = ["images", "volumes", "databases", "start", "check"] as const;
export type StackPhase = (typeof stackPhases)[number];

export type RecoveredRoute = { url: string; status: number; ok: boolean };

/** One stack on its way back. */
export type RecoveredStack = {
  scope: Scope;
  release: ReleaseId;
  number: number;
  /** What an operator had stopped before the loss stays so. */
  stopped: readonly string[];
  state: "waiting" | "running" | "done" | "failed";
  phase: StackPhase;
  items: readonly RecoveredItem[];
  routes: readonly RecoveredRoute[];
  reason?: string;
  startedAt?: number;
  finishedAt?: number;
};

/** Kept in the recovered store itself: whoever starts on it goes on. */
export type Recovery = {
  state: "running" | "done" | "failed";
  /** When `recover` was called. */
  startedAt: number;
  finishedAt?: number;
  repository: string;
  snapshot: string;
  /** The moment that the control plane's state shows. */
  takenAt: number;
  epoch: number;
  stacks: readonly RecoveredStack[];
};

type Values = {
  installation: Installation;
  fenced: Fenced;
  state: StateCopy;
  recovery: Recovery;
};

/** What this folder keeps in the store. */
export class LossRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get<K extends keyof Values>(key: K): Values[K] | undefined {
    return this.#store.records.get<Values[K]>(collection, key);
  }

  put<K extends keyof Values>(key: K, value: Values[K]): void {
    this.#store.records.put(collection, key, value);
  }

  remove(key: keyof Values): void {
    this.#store.records.remove(collection, key);
  }

  /** Made at first use. */
  installation(newId: () => string): Installation {
    const known = this.get("installation");
    if (known) return known;
    const made = { id: newId(), epoch: 0 };
    this.put("installation", made);
    return made;
  }
}
