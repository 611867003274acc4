import type { Repository } from "../backup/port.ts";
import { messageOf } from "../lib/platform-error.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { SmokeCheck } from "../stack/stack.ts";
import type { Release } from "../store/port.ts";
import { type Catalogue, readCatalogue } from "./catalogue.ts";
import { serverLossError } from "./errors.ts";
import {
  LossRecords,
  type RecoveredItem,
  type RecoveredRoute,
  type RecoveredStack,
  type Recovery,
  stackPhases,
} from "./loss-records.ts";
import { bringBack, clearVolume, isDatabase } from "./recover-data.ts";
import type { Kept, StackRecoveryParts } from "./recovery-parts.ts";

const deploymentLimitMs = 30 * 60_000;
const stackLimitMs = 6 * 3600_000;
const pollMs = 200;
const routeAttempts = 20;
const by = { name: "roadstead", reason: "recovered after the loss of the server" };

type World = {
  repository: Repository;
  catalogue: Catalogue;
  release: Release;
  sources: readonly Kept[];
  signal: AbortSignal;
};

/**
 * Brings the stacks of a recovered installation back, one after the other: images, files, databases, services, and last
 * a look at every public route through the edge. Each change is saved; a killed control plane goes on where it was.
 */
export class StackRecovery {
  readonly #parts: StackRecoveryParts;
  readonly #records: LossRecords;
  readonly #stop = new AbortController();
  #work: Promise<void> | undefined;
  #onWhole: (() => void) | undefined;

  constructor(parts: StackRecoveryParts) {
    this.#parts = parts;
    this.#records = new LossRecords(parts.store);
  }

  get(): Recovery | undefined {
    return this.#records.get("recovery");
  }

  get isRunning(): boolean {
    return this.get()?.state === "running";
  }

  /** Goes on with what is there to be done; `onWhole` is called once nothing is left, or at once. Not while a stack failed. */
  start(onWhole: () => void): void {
    this.#onWhole = onWhole;
    this.#work ??= this.#run()
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#gaveUp(error);
      })
      .then(() => {
        this.#settle();
      });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#work;
  }

  /** What failed is tried once more. */
  retry(): Recovery {
    const recovery = this.get();
    if (!recovery) throw serverLossError("RECOVER_NOT_RUNNING", "nothing is being recovered here");
    if (recovery.state === "failed") {
      const stacks = recovery.stacks.map((stack): RecoveredStack => {
        const { reason: _was, finishedAt: _when, ...rest } = stack;
        return stack.state === "failed" ? { ...rest, state: "waiting" } : stack;
      });
      const { finishedAt: _then, ...rest } = recovery;
      this.#records.put("recovery", { ...rest, state: "running", stacks });
      const before = this.#work ?? Promise.resolve();
      this.#work = before
        .then(() => this.#run())
        .catch((error: unknown) => this.#gaveUp(error))
        .then(() => this.#settle());
    }
    return this.get() ?? recovery;
  }

  /** A backup of a stack that came back empty would look like a good one. */
  #settle(): void {
    if (this.#stop.signal.aborted || this.get()?.state === "failed") return;
    this.#onWhole?.();
    this.#onWhole = undefined;
  }

  #gaveUp(error: unknown): void {
    const { log, clock } = this.#parts;
    const recovery = this.get();
    log("error", `recovery: ${messageOf(error)}`);
    if (recovery) this.#records.put("recovery", { ...recovery, state: "failed", finishedAt: clock.now() });
  }

  async #run(): Promise<void> {
    if (!this.isRunning) return;
    const { signal } = this.#stop;
    const repository = await this.#parts.repository(signal);
    if (!repository) throw serverLossError("RECOVER_NO_COPY", "the recovered state names no repository");
    const catalogue = await readCatalogue(repository, signal, this.get()?.startedAt);
    for (const { scope, state } of this.get()?.stacks ?? []) {
      if (state === "done" || state === "failed") continue;
      await this.#stack(scopeKey(scope), { repository, catalogue });
    }
    const recovery = this.get();
    if (!recovery) return;
    const failed = recovery.stacks.some((stack) => stack.state === "failed");
    const { clock } = this.#parts;
    this.#records.put("recovery", {
      ...recovery,
      state: failed ? "failed" : "done",
      finishedAt: clock.now(),
    });
  }

  async #stack(key: string, found: Pick<World, "repository" | "catalogue">): Promise<void> {
    const { clock, log } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(stackLimitMs)]);
    const begun = this.#of(key);
    this.#put(key, { state: "running", startedAt: begun.startedAt ?? clock.now() });
    try {
      const world = { ...found, ...this.#resolved(begun), signal };
      for (const phase of stackPhases.slice(stackPhases.indexOf(begun.phase))) {
        this.#put(key, { phase });
        log("info", `recover ${key}: ${phase}`);
        await this.#phase(key, world);
      }
      const bad = this.#of(key).routes.filter(({ ok }) => !ok);
      if (bad.length > 0)
        throw serverLossError("RECOVER_STEP_FAILED", `${bad[0]?.url} answers ${bad[0]?.status}`);
      this.#put(key, { state: "done", finishedAt: clock.now() });
    } catch (error) {
      if (this.#stop.signal.aborted) throw error;
      log("error", `recover ${key}: ${messageOf(error)}`);
      this.#put(key, { state: "failed", reason: messageOf(error), finishedAt: clock.now() });
    }
  }

  async #phase(key: string, world: World): Promise<void> {
    switch (this.#of(key).phase) {
      case "images":
        return await this.#images(key, world);
      case "volumes":
        return await this.#volumes(key, world);
      case "databases":
        return await this.#databases(key, world);
      case "start":
        return await this.#start(key, this.#wanted(key, world), world.signal);
      case "check":
        return await this.#check(key, world);
    }
  }

  #resolved({ scope, release: id }: RecoveredStack): { release: Release; sources: Kept[] } {
    const { store, resolve, coverage } = this.#parts;
    const release = store.releases.get(id);
    const stack = release && resolve(release.bundle, scope.environment).stack;
    if (!release || !stack)
      throw serverLossError("RECOVER_STEP_FAILED", `the release ${id} of ${scopeKey(scope)} cannot be read`);
    return { release, sources: coverage(stack).sources.map((source) => ({ scope, stack, source })) };
  }

  async #images(key: string, { release, repository, catalogue, signal }: World): Promise<void> {
    const { runtime } = this.#parts;
    const { scope } = this.#of(key);
    for (const [service, { digest, reference }] of Object.entries(release.images)) {
      const image = { stack: scope.stack, service, digest, reference };
      const known = await runtime.imageCopies?.has(image, signal);
      const copy = catalogue.images.get(digest);
      // Without a copy the registry may still have it: the start says so if not.
      if (known === true || !runtime.imageCopies || !copy) continue;
      await runtime.imageCopies.take(image, repository.read(copy.id, signal), signal);
    }
  }

  async #volumes(key: string, world: World): Promise<void> {
    for (const kept of world.sources.filter((one) => !isDatabase(this.#parts, one))) {
      const begun = this.#item(key, kept);
      if (begun?.state === "restoring") await clearVolume(this.#parts, kept, world.signal);
      await this.#bring(key, kept, world);
    }
  }

  /** Only the databases run while they are filled: nobody sees a table that is half there. */
  async #databases(key: string, world: World): Promise<void> {
    const databases = world.sources.filter((one) => isDatabase(this.#parts, one));
    const { signal } = world;
    const half = databases.filter((one) => this.#item(key, one)?.state === "restoring");
    if (half.length > 0) await this.#stopped(key, servicesOf(half), signal);
    for (const kept of half) await clearVolume(this.#parts, kept, signal);
    if (databases.length > 0) await this.#start(key, servicesOf(databases), signal);
    for (const kept of databases) await this.#bring(key, kept, world);
  }

  async #bring(key: string, kept: Kept, { repository, catalogue, signal }: World): Promise<void> {
    const put = (item: RecoveredItem) => {
      const others = this.#of(key).items.filter(({ name }) => name !== item.name);
      this.#put(key, { items: [...others, item] });
    };
    const begun = this.#item(key, kept);
    await bringBack(this.#parts, kept, { repository, catalogue, begun, put }, signal);
  }

  #wanted(key: string, { sources, release }: World): string[] {
    const { stopped } = this.#of(key);
    const stack =
      sources[0]?.stack ?? this.#parts.resolve(release.bundle, this.#of(key).scope.environment).stack;
    return (stack?.services ?? []).map(({ name }) => name).filter((name) => !stopped.includes(name));
  }

  async #start(key: string, services: readonly string[], signal: AbortSignal): Promise<void> {
    if (services.length > 0)
      await this.#until(this.#parts.engine.start(this.#of(key).scope, services, by).id, signal);
  }

  async #stopped(key: string, services: readonly string[], signal: AbortSignal): Promise<void> {
    const { scope } = this.#of(key);
    await this.#until(this.#parts.engine.stop(scope, services, by).id, signal);
    const { runtime } = this.#parts;
    const replicas = await runtime.observe(scope, signal);
    for (const { id, service } of replicas)
      if (services.includes(service)) await runtime.removeReplica(id, signal);
  }

  async #until(
    id: Parameters<StackRecoveryParts["store"]["deployments"]["get"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock } = this.#parts;
    const deadline = clock.now() + deploymentLimitMs;
    for (;;) {
      const deployment = store.deployments.get(id);
      if (deployment?.state === "succeeded") return;
      const over = deployment === undefined || !["queued", "running", "returning"].includes(deployment.state);
      if (over || clock.now() > deadline)
        throw serverLossError(
          "RECOVER_STEP_FAILED",
          deployment?.failure?.message ?? `${id} did not end well`,
        );
      await clock.sleep(pollMs, signal);
    }
  }

  /** As a visitor would: by host name, through the new edge. */
  async #check(key: string, world: World): Promise<void> {
    const wanted = this.#wanted(key, world);
    const stack =
      world.sources[0]?.stack ??
      this.#parts.resolve(world.release.bundle, this.#of(key).scope.environment).stack;
    const routes: RecoveredRoute[] = [];
    for (const { name, routes: own, smoke } of stack?.services ?? []) {
      if (!wanted.includes(name)) continue;
      for (const { host, path } of own) {
        const plain: SmokeCheck = { method: "GET", path, status: 200 };
        for (const check of smoke.length > 0 ? smoke : [plain])
          routes.push(await this.#answer(check, host, { exact: smoke.length > 0, signal: world.signal }));
      }
    }
    this.#put(key, { routes });
  }

  async #answer(
    check: SmokeCheck,
    host: string,
    { exact, signal }: { exact: boolean; signal: AbortSignal },
  ): Promise<RecoveredRoute> {
    const { request, clock } = this.#parts;
    const name = host.replace(/^\*\.?/, "recovered.");
    const url = `${name}${check.path}`;
    let last: RecoveredRoute = { url, status: 0, ok: false };
    for (let attempt = 0; attempt < routeAttempts; attempt += 1) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
      const status = await request(check, name, limit).then(
        (answer) => answer.status,
        () => 0,
      );
      // Without a check of its own, any answer of the service's counts: the edge's own are 404, 502, 503, 504.
      const ok = exact ? status === check.status : status > 0 && status < 500 && status !== 404;
      last = { url, status, ok };
      if (ok) break;
      await clock.sleep(500, signal);
    }
    return last;
  }

  #item(key: string, { source }: Kept): RecoveredItem | undefined {
    return this.#of(key).items.find(({ name }) => name === source.name);
  }

  #of(key: string): RecoveredStack {
    const found = this.get()?.stacks.find(({ scope }) => scopeKey(scope) === key);
    if (!found) throw serverLossError("RECOVER_NOT_RUNNING", `${key} is not being recovered`);
    return found;
  }

  #put(key: string, change: Partial<RecoveredStack>): void {
    const recovery = this.get();
    if (!recovery) return;
    const stacks = recovery.stacks.map((stack) =>
      scopeKey(stack.scope) === key ? { ...stack, ...change } : stack,
    );
    this.#records.put("recovery", { ...recovery, stacks });
    this.#parts.onSaved?.();
  }
}

function servicesOf(kept: readonly Kept[]): string[] {
  return [...new Set(kept.flatMap(({ source }) => source.services))];
}
