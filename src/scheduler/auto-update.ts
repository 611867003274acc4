import { mapLimited } from "../lib/limit.ts";
import { messageOf, PlatformError } from "../lib/platform-error.ts";
import { firstPollSeconds, isAlertDue, pollDelaySeconds } from "../policy/update-backoff.ts";
import { isAllowed, judgeUpdate, type UpdateVerdict } from "../policy/update-channel.ts";
import type { Actor } from "../reconciler/engine.ts";
import { RegistryError } from "../registry/errors.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { parseReference } from "../stack/image-reference.ts";
import type { Deployment, PinnedImage } from "../store/port.ts";
import { findNewest } from "./find-newest.ts";
import type { SchedulerParts, UpdateEvent } from "./parts.ts";
import { CurrentServices, type Updatable, withdrawnDigests } from "./updatable.ts";
import { askApproval } from "./update-approval.ts";
import { UpdateBook, type UpdateRecord } from "./update-book.ts";

const pollsAtOnce = 4;
const pollLimitMs = 60_000;
/** An update that waits for a freeze to end, or for a person, is looked at this often. */
const againSeconds: Partial<Record<UpdateVerdict, number>> = { frozen: 60, awaiting: 600 };
/** Between two looks at what is due: not less, unless something has happened, and not more. */
const leastRestMs = 1000;
const mostRestMs = 60_000;
const actor = { name: "auto-update", reason: "a newer image in the registry" };

/**
 * Polls registries for the services that ask for it and deploys newer images through the engine: with the service's
 * own strategy, health gate and way back. An image that failed is remembered and never tried again.
 */
export class AutoUpdater {
  readonly #parts: SchedulerParts;
  readonly #book: UpdateBook;
  readonly #services: CurrentServices;
  readonly #stop = new AbortController();
  /** Ends the rest before the next look. */
  #wake = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#book = new UpdateBook(parts.store);
    this.#services = new CurrentServices(parts);
  }

  start(): void {
    if (this.#parts.runtime.capabilities.registryImages) this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
  }

  /** Something was pushed: the services of this stack are looked at now, whatever their interval. */
  poke(scope: Scope, services: readonly string[] = []): string[] {
    const poked = this.#services
      .updatable()
      .filter((one) => scopeKey(one.scope) === scopeKey(scope))
      .filter((one) => services.length === 0 || services.includes(one.service));
    const nextAt = this.#parts.clock.now();
    for (const one of poked) this.#book.put(scope, one.service, { ...this.#record(one), nextAt });
    if (poked.length > 0) this.#wake.abort();
    return poked.map(({ service }) => service);
  }

  async #run(): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { signal } = this.#stop;
    // A deployment that ends can make a service known, free its stack for an update, or be an update's end.
    const unlisten = store.deployments.onAppend(({ event }) => {
      if (event === "stateChanged") this.#wake.abort();
    });
    while (!signal.aborted) {
      // Made before the look, so that what happens during it leads to another one.
      this.#wake = new AbortController();
      const rest = await this.#tick(signal).catch((error: unknown) => {
        if (!signal.aborted) log("error", `auto-update: ${messageOf(error)}`);
        return leastRestMs;
      });
      const awake = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(rest, awake).catch(() => undefined);
    }
    unlisten();
  }

  /** Does what is due; how long nothing else will be. */
  async #tick(signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#parts;
    const all = this.#services.updatable();
    this.#book.keepOnly(new Set(all.map(({ key }) => key)));
    for (const one of all) this.#settle(one);
    const due = all.filter((one) => {
      const record = this.#book.get(one.scope, one.service);
      // A first look waits for its place in the interval, or every restart would ask all registries at once.
      if (!record) this.#book.put(one.scope, one.service, this.#record(one));
      const isDue = record !== undefined && record.nextAt <= clock.now() && !record.rolling;
      return isDue && store.deployments.unfinished(one.scope).length === 0;
    });
    await mapLimited(due, pollsAtOnce, (one) => this.#poll(one, signal));
    const nextAt = Math.min(...all.map((one) => this.#record(one).nextAt));
    return Math.min(Math.max(nextAt - clock.now(), leastRestMs), mostRestMs);
  }

  #record({ scope, service, key, policy }: Updatable): UpdateRecord {
    const nextAt = this.#parts.clock.now() + firstPollSeconds(key, policy.everySeconds) * 1000;
    return this.#book.get(scope, service) ?? { nextAt, polls: 0, failures: 0, bad: [] };
  }

  async #poll(one: Updatable, signal: AbortSignal): Promise<void> {
    const { registry, clock } = this.#parts;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(pollLimitMs)]);
    if (!isAllowed(one.policy, parseReference(one.running.reference).repository)) {
      this.#refuse(one);
      return;
    }
    let newest: PinnedImage | undefined;
    try {
      newest = await findNewest(registry, one.policy.channel, one.running.reference, limited);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#failed(one, error);
      return;
    }
    const record = this.#record(one);
    const polled = {
      ...without(record, "error", "newest"),
      polls: record.polls + 1,
      polledAt: clock.now(),
      failures: 0,
      nextAt: this.#next(one, 0),
      ...(newest ? { newest } : {}),
    };
    this.#act(one, { record: polled, newest, before: record });
  }

  #act(
    one: Updatable,
    poll: { record: UpdateRecord; newest: PinnedImage | undefined; before: UpdateRecord },
  ): void {
    const { store, clock, frozenBy = () => undefined } = this.#parts;
    const { newest, before } = poll;
    const isNew = newest !== undefined && newest.digest !== one.running.digest;
    const frozen = isNew ? frozenBy(one.scope, clock.now()) : undefined;
    const bad = [...poll.record.bad.map(({ digest }) => digest), ...withdrawnDigests(store, one)];
    const { record, approval } =
      isNew && !bad.includes(newest.digest)
        ? this.#ask(one, poll.record, newest)
        : { record: poll.record, approval: undefined };
    const verdict = judgeUpdate({
      current: one.running.digest,
      newest: newest?.digest,
      bad,
      frozen: frozen !== undefined,
      ...(approval === undefined ? {} : { approval }),
    });
    const again = againSeconds[verdict];
    const nextAt = again === undefined ? record.nextAt : Math.min(record.nextAt, clock.now() + again * 1000);
    this.#book.put(one.scope, one.service, { ...record, verdict, nextAt });
    if (verdict === "update" && newest) this.#deploy(one, newest, { ...record, verdict });
    if (verdict !== "frozen" || !newest) return;
    if (before.verdict === "frozen" && before.newest?.digest === newest.digest) return;
    const message = `${newest.reference} waits: ${frozen}`;
    this.#tell("info", one, { kind: "held", to: newest.digest, message });
  }

  /** What those say who have to approve this image; news of it are told. */
  #ask(
    one: Updatable,
    record: UpdateRecord,
    { digest, reference }: PinnedImage,
  ): { record: UpdateRecord; approval?: "waiting" | "rejected" } {
    const { clock, approvalFor = () => undefined } = this.#parts;
    const asked = askApproval(approvalFor(one.scope), record.approval, { digest, now: clock.now() });
    if (asked.kind === "free") return { record: without(record, "approval") };
    const next = { ...record, approval: asked.approval };
    if (asked.kind === "approved") return { record: next };
    if (asked.isNews) {
      const isWaiting = asked.kind === "waiting";
      const message = isWaiting
        ? `${reference} awaits approval: roadstead approve ${one.key}`
        : `${reference} is not rolled out: ${asked.approval.decision?.reason ?? "rejected"}`;
      this.#tell("info", one, { kind: isWaiting ? "awaiting" : "rejected", to: digest, message });
    }
    return { record: next, approval: asked.kind };
  }

  #deploy(one: Updatable, newest: PinnedImage, record: UpdateRecord): void {
    const { store, engine, clock } = this.#parts;
    const { scope, service, release, running } = one;
    // Somebody else was quicker while the registry was asked: look again at the next tick.
    const isStill = store.scopes.get(scope)?.current === release.id;
    const current = isStill ? store.releases.get(release.id) : undefined;
    if (!current || store.deployments.unfinished(scope).length > 0) {
      this.#book.put(scope, service, { ...record, nextAt: clock.now() });
      return;
    }
    const { bundle, fileVersions } = current;
    const label = `${service} ${parseReference(newest.reference).tag ?? ""}`.trim();
    const request = { bundle, fileVersions, label, services: [service], pinnedImages: { [service]: newest } };
    try {
      store.transaction(() => {
        const { id } = engine.deploy(scope, request, actorOf(record));
        const rolling = { ...newest, deployment: id, previous: running.digest };
        this.#book.put(scope, service, { ...record, rolling });
        store.audit.append({
          at: clock.now(),
          actor: actor.name,
          action: "deploy",
          target: scopeKey(scope),
          detail: { deployment: id, service, from: running.digest, to: newest.digest },
        });
      });
    } catch (error) {
      this.#failed(one, error);
    }
  }

  /** Takes note of how an update ended. */
  #settle(one: Updatable): void {
    const { scope, service } = one;
    const record = this.#book.get(scope, service);
    if (!record?.rolling) return;
    const { rolling } = record;
    const deployment = this.#parts.store.deployments.get(rolling.deployment);
    if (deployment && deployment.finishedAt === undefined) return;
    const rest = without(record, "rolling");
    const facts = { from: rolling.previous, to: rolling.digest };
    if (deployment?.state === "succeeded") {
      this.#book.put(scope, service, { ...rest, verdict: "current" });
      this.#tell("info", one, { kind: "updated", ...facts, message: `runs ${rolling.reference} now` });
    } else if (deployment && isOwnFault(deployment)) {
      const message = deployment.failure?.message ?? deployment.state;
      const bad = { digest: rolling.digest, deployment: deployment.id, at: this.#parts.clock.now(), message };
      this.#book.put(scope, service, { ...rest, verdict: "bad", bad: [...rest.bad, bad] });
      const said = `${rolling.reference} is not tried again: ${message}`;
      this.#tell("warn", one, { kind: "failed", ...facts, message: said });
    } else {
      this.#book.put(scope, service, rest);
      if (deployment?.state === "failed") this.#failed(one, new Error(deployment.failure?.message));
    }
  }

  #refuse(one: Updatable): void {
    const record = this.#record(one);
    this.#book.put(one.scope, one.service, { ...record, verdict: "refused", nextAt: this.#next(one, 0) });
    if (record.verdict === "refused") return;
    const message = `${one.running.reference} is not from a repository that updates may come from`;
    this.#tell("warn", one, { kind: "refused", message });
  }

  #failed(one: Updatable, error: unknown): void {
    const record = this.#record(one);
    const failures = record.failures + 1;
    const retryAfter = error instanceof RegistryError ? error.retryAfterSeconds : undefined;
    this.#book.put(one.scope, one.service, {
      ...record,
      polls: record.polls + 1,
      polledAt: this.#parts.clock.now(),
      failures,
      error: error instanceof PlatformError ? `${error.code}: ${error.message}` : messageOf(error),
      nextAt: this.#next(one, failures, retryAfter),
    });
    if (!isAlertDue(failures)) return;
    const message = `asked ${failures} times without success: ${messageOf(error)}`;
    this.#tell("warn", one, { kind: "unreachable", message });
  }

  #next({ key, policy }: Updatable, failures: number, retryAfterSeconds?: number): number {
    const { everySeconds } = policy;
    const seconds = pollDelaySeconds({ key, everySeconds, failures, retryAfterSeconds });
    return this.#parts.clock.now() + seconds * 1000;
  }

  #tell(
    level: "info" | "warn",
    { scope, service, running }: Updatable,
    news: Pick<UpdateEvent, "kind" | "message"> & Partial<UpdateEvent>,
  ): void {
    const event: UpdateEvent = { from: running.digest, ...news, scope, service };
    const detail = { from: event.from, ...(event.to ? { to: event.to } : {}) };
    this.#parts.log(level, `auto-update: ${scopeKey(scope)} ${service}: ${event.message}`, detail);
    this.#parts.onUpdate?.(event);
  }
}

/** Whether the image is to blame. A newer deployment, or a host or registry that did not answer, says nothing about it. */
function isOwnFault({ state, failure }: Deployment): boolean {
  if (state === "superseded") return false;
  return !/UNREACHABLE|IMAGE_UNAVAILABLE|LOCKED/.test(failure?.code ?? "");
}

/** The audit trail and the deployment say who let it through. */
function actorOf({ approval }: UpdateRecord): Actor {
  const decision = approval?.decision;
  if (decision === undefined) return actor;
  const why = decision.reason === "" ? "" : `: ${decision.reason}`;
  return { ...actor, reason: `${actor.reason}, approved by ${decision.by}${why}` };
}

function without<K extends "error" | "newest" | "rolling" | "approval">(
  record: UpdateRecord,
  ...keys: readonly K[]
): Omit<UpdateRecord, K> & UpdateRecord {
  const copy = { ...record };
  for (const key of keys) delete copy[key];
  return copy;
}
