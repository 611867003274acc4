import { messageOf } from "../lib/platform-error.ts";
import type { ReplicaId, Scope } from "../rollout/ids.ts";
import type { ObservedReplica } from "../runtime/port.ts";
import { AccessCollector } from "./collect-access.ts";
import { ReplicaReader } from "./collect-replica.ts";
import type { CollectorParts } from "./parts.ts";

/** After a nudge of the runtime, so that several are one. */
const nudgeMs = 150;
/** Should a nudge be missed. */
const lookEveryMs = 15_000;
const observeLimitMs = 30_000;
/** A replica is not removed before its last lines are kept, but no longer than this. */
const settleLimitMs = 2000;

type Reading = { replica: ObservedReplica; done: Promise<void>; ended: boolean };

/**
 * Keeps what every replica prints: one reader each, from where the store says that it left off. Replicas at rest cost
 * nothing but their connection.
 */
export class LogCollector {
  readonly #parts: CollectorParts;
  readonly #readings = new Map<ReplicaId, Reading>();
  readonly #stop = new AbortController();
  #wake: () => void = () => undefined;
  #nudged = false;
  #looking: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();
  #firstLook = true;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  start(): void {
    const { runtime, edge } = this.#parts;
    runtime.watch(() => this.#nudge(), this.#stop.signal);
    const access = new AccessCollector(this.#parts, (id) => this.#readings.get(id)?.replica.release ?? "");
    edge?.requests?.((request) => access.take(request), this.#stop.signal);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the collector stops"));
    this.#wake();
    await this.#running;
    await Promise.allSettled([...this.#readings.values()].map(({ done }) => done));
    this.#parts.logs.flush();
  }

  /** Resolves when everything that an ended replica printed is in the store; before the runtime forgets it. */
  async settle(id: ReplicaId): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const limit = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, limit.signal]);
    const settled = async () => {
      if (!this.#readings.has(id)) await this.look();
      await this.#readings.get(id)?.done;
    };
    const timeout = this.#parts.clock.sleep(settleLimitMs, signal).catch(() => undefined);
    await Promise.race([settled(), timeout]);
    limit.abort();
    this.#parts.logs.flush();
  }

  /** Begins to read what is not read yet, and forgets what is gone. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.look();
      await this.#untilNudge();
    }
  }

  #nudge(): void {
    this.#nudged = true;
    this.#wake();
  }

  async #untilNudge(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    const round = new AbortController();
    const either = AbortSignal.any([signal, round.signal]);
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (!this.#nudged) await Promise.race([woken, clock.sleep(lookEveryMs, either).catch(() => undefined)]);
    round.abort();
    this.#nudged = false;
    await clock.sleep(nudgeMs, signal).catch(() => undefined);
  }

  async #look(): Promise<void> {
    const { runtime, log } = this.#parts;
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(observeLimitMs)]);
      const replicas = await runtime.observe("all", signal);
      for (const replica of replicas) this.#follow(replica);
      this.#forget(new Set(replicas.map(({ id }) => id)));
    } catch (error) {
      if (!this.#stop.signal.aborted) log("warn", `logs: the runtime does not answer: ${messageOf(error)}`);
    }
  }

  #follow(replica: ObservedReplica): void {
    const known = this.#readings.get(replica.id);
    const again = known?.ended && replica.startedAt !== known.replica.startedAt;
    const broken = known?.ended && replica.state === "running";
    if (replica.state === "created" || (known && !again && !broken)) return;
    const reading: Reading = { replica, ended: false, done: Promise.resolve() };
    reading.done = this.#read(replica).finally(() => {
      reading.ended = true;
    });
    this.#readings.set(replica.id, reading);
  }

  async #read(replica: ObservedReplica): Promise<void> {
    const { signal } = this.#stop;
    try {
      await new ReplicaReader(this.#parts, replica).run(signal);
    } catch (error) {
      // Read again from the same line at the next look.
      if (!signal.aborted) this.#parts.log("warn", `logs of ${replica.id} broke off: ${messageOf(error)}`);
    }
  }

  /** A replica that is gone keeps its lines; only its place is let go. */
  #forget(present: ReadonlySet<ReplicaId>): void {
    for (const [id, { replica, ended }] of this.#readings) {
      if (present.has(id) || !ended) continue;
      this.#readings.delete(id);
      this.#letGo(replica.scope, id);
    }
    if (!this.#firstLook) return;
    this.#firstLook = false;
    for (const { scope } of this.#parts.logs.usage().scopes)
      for (const id of Object.keys(this.#parts.logs.positions(scope)))
        if (!present.has(id as ReplicaId)) this.#letGo(scope, id);
  }

  #letGo(scope: Scope, id: string): void {
    this.#parts.logs.append({ scope, lines: [], positions: { [id]: "" } });
  }
}
