import type { Repository } from "../backup/port.ts";
import type { Edge, EdgeConfig } from "../edge/port.ts";
import type { Clock } from "../lib/clock.ts";
import { mapLimited } from "../lib/limit.ts";
import { messageOf, type PlatformError } from "../lib/platform-error.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";
import { highestEpoch, raiseEpoch } from "./epochs.ts";
import { serverLossError } from "./errors.ts";
import { type Fenced, LossRecords } from "./loss-records.ts";

/** Looking costs one short call of the repository's tool. */
const lookEveryMs = 60_000;
const lookLimitMs = 30_000;
/** What is fenced is held down: something may start it again by hand. */
const holdEveryMs = 10_000;
const stopGraceSeconds = 10;

export type FenceParts = {
  store: Store;
  clock: Clock;
  runtime: Runtime;
  edge: Edge;
  /** Listeners and certificates that the edge has, serving or not. */
  edgeBase: Pick<EdgeConfig, "http" | "https" | "certificates">;
  newId: () => string;
  /** The default repository, opened; absent: there is none, and nobody can have taken over. */
  repository: (signal: AbortSignal) => Promise<Repository | undefined>;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Everything that works by itself ends here; called once, and waited for. */
  onFenced: () => Promise<void>;
};

/**
 * Of two hosts with the same installation only the one with the highest epoch serves and writes. The epoch lies in the
 * repository; a host that sees a higher one than its own stops what it runs and answers 503, until it is taken back.
 * A repository that cannot be reached tells nothing: what served goes on.
 */
export class Fence {
  readonly #parts: FenceParts;
  readonly #records: LossRecords;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #told = false;

  constructor(parts: FenceParts) {
    this.#parts = parts;
    this.#records = new LossRecords(parts.store);
  }

  /** Why nothing may be changed or served here. */
  get refusal(): PlatformError | undefined {
    const fenced = this.#records.get("fenced");
    return fenced && serverLossError("FENCED", wordsOf(fenced));
  }

  get fenced(): Fenced | undefined {
    return this.#records.get("fenced");
  }

  /** Before anything is served; true: it must not be. */
  async atStart(): Promise<boolean> {
    await this.#look();
    return this.fenced !== undefined;
  }

  start(): void {
    this.#loop ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
  }

  /** Looks now: before each backup, so that a host that was replaced writes nothing. Throws FENCED. */
  async assertOwn(signal: AbortSignal): Promise<void> {
    await this.#look(signal);
    const { refusal } = this;
    if (refusal) throw refusal;
  }

  /** An operator says that this host is the right one: the other is fenced from now on. */
  async takeBack(reason: string): Promise<number> {
    const { store, clock, newId } = this.#parts;
    const limit = AbortSignal.timeout(lookLimitMs * 2);
    const repository = await this.#parts.repository(limit);
    if (!repository)
      throw serverLossError("RECOVER_NO_COPY", "no repository is set up: there is nothing to take back");
    const { id } = this.#records.installation(newId);
    const epoch = await raiseEpoch(repository, { installation: id, reason, now: clock.now() }, limit);
    store.transaction(() => {
      this.#records.put("installation", { id, epoch });
      this.#records.remove("fenced");
      const detail = { epoch, reason };
      store.audit.append({
        at: clock.now(),
        actor: "local operator",
        action: "fence.take-back",
        target: "platform",
        detail,
      });
    });
    return epoch;
  }

  async #look(signal: AbortSignal = this.#stop.signal): Promise<void> {
    const { clock, log, newId } = this.#parts;
    const own = this.#records.installation(newId);
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(lookLimitMs)]);
      const repository = await this.#parts.repository(limit);
      if (!repository) return;
      const epoch = await highestEpoch(repository, own.id, limit);
      if (epoch <= own.epoch || this.fenced) return;
      const reason = `epoch ${epoch} is in the repository, this host has ${own.epoch}`;
      this.#records.put("fenced", { at: clock.now(), epoch, own: own.epoch, reason });
    } catch (error) {
      if (!signal.aborted) log("warn", `cannot see whether another host has taken over: ${messageOf(error)}`);
    }
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { fenced } = this;
      if (fenced) {
        if (!this.#told) {
          this.#told = true;
          log("error", `FENCED: ${wordsOf(fenced)}`);
          await this.#parts.onFenced();
        }
        await this.#holdDown().catch((error: unknown) => {
          if (!signal.aborted)
            log("error", `FENCED, but not everything could be stopped: ${messageOf(error)}`);
        });
      }
      await clock.sleep(fenced ? holdEveryMs : lookEveryMs, signal).catch(() => undefined);
      if (!signal.aborted && !fenced) await this.#look();
    }
  }

  async #holdDown(): Promise<void> {
    const { runtime, edge, edgeBase, store } = this.#parts;
    const limit = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(120_000)]);
    const running = (await runtime.observe("all", limit)).filter(({ state }) => state === "running");
    await edge.apply(fencedConfig(edgeBase), store.scopes.nextEdgeVersion(), limit);
    await mapLimited(running, 8, ({ id }) => runtime.stopReplica(id, stopGraceSeconds, limit));
  }
}

function wordsOf({ reason }: Fenced): string {
  return `another host has taken over from this one: ${reason}`;
}

function fencedConfig(base: FenceParts["edgeBase"]): EdgeConfig {
  const detail = "This host was replaced by another one and serves nothing.";
  const answer = { kind: "answer" as const, status: 503, title: "FENCED", detail };
  const route = { id: "fenced", host: "*", path: "/", stripPath: false, action: answer };
  return {
    ...base,
    routes: [{ ...route, requireTls: false, compress: false }],
    backends: [],
    internal: [],
    trustedProxies: [],
  };
}
