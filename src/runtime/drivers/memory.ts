import type { Clock } from "../../lib/clock.ts";
import { canonicalJson, sha256 } from "../../lib/hash.ts";
import { type ImageDigest, type ReplicaId, type Scope, scopeKey } from "../../rollout/ids.ts";
import type { Probe } from "../../stack/stack.ts";
import { runtimeError } from "../errors.ts";
import type {
  ExecIo,
  HeldImage,
  ImageOnHost,
  ImageRequest,
  JobOutcome,
  JobSpec,
  LogLine,
  LogQuery,
  ObservedReplica,
  ProbeResult,
  ReplicaSpec,
  ReplicaStats,
  ResolvedImage,
  Runtime,
  ScopeResources,
  ServiceAddress,
} from "../port.ts";
import { describe, type MemoryBehaviour } from "./memory-behaviour.ts";
import { MemoryLog } from "./memory-log.ts";
import { observed, type MemoryReplica as Replica } from "./memory-replica.ts";
import { MemoryVolumeFiles } from "./memory-volumes.ts";

type RuntimeCall = Exclude<
  keyof Runtime,
  "name" | "capabilities" | "logs" | "watch" | "volumeFiles" | "close"
>;

/**
 * An in-memory host: deterministic, driven by the given clock, its replicas behave as scripted. The object is the
 * host, so a "crashed" control plane is a new reconciler over the same object: replicas go on and are adopted.
 */
export class MemoryRuntime implements Runtime {
  readonly name = "memory";
  readonly capabilities = {
    limits: true,
    networkIsolation: true,
    sandbox: true,
    publishedPorts: true,
    registryImages: true,
  };
  /** Every call with a side effect, in order, e.g. `startReplica shop-production-web-…-0`. */
  readonly calls: string[] = [];
  readonly #clock: Clock;
  readonly #replicas = new Map<ReplicaId, Replica>();
  readonly #behaviours = new Map<string, MemoryBehaviour>();
  readonly #images = new Set<ImageDigest>();
  readonly #volumes = new Map<string, string>();
  readonly volumeFiles = new MemoryVolumeFiles(this.#volumes);
  readonly #networks = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  readonly #watchers = new Set<() => void>();
  readonly #failures = new Map<RuntimeCall, unknown[]>();
  readonly #mostRunning = new Map<string, number>();
  readonly #log = new MemoryLog();
  #replicaHosts = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Scripts what happens to replicas, jobs and images of a replica id, an image digest or reference, or a service
   * name; the first of these that is scripted counts. Replaces what was scripted for that key before.
   */
  behave(key: string, behaviour: MemoryBehaviour): void {
    this.#behaviours.set(key, behaviour);
  }

  /** A registry has this image: it can be asked for by its digest. */
  offer(digest: ImageDigest): void {
    this.#images.add(digest);
  }

  /** The next call of that method throws this, once. */
  failNext(call: RuntimeCall, error: unknown): void {
    this.#failures.set(call, [...(this.#failures.get(call) ?? []), error]);
  }

  /** The most replicas of a service of a scope that ever ran at the same time. */
  mostRunning(scope: Scope, service: string): number {
    return this.#mostRunning.get(`${scopeKey(scope)}/${service}`) ?? 0;
  }

  /** What a replica was started with. */
  specOf(id: ReplicaId): ReplicaSpec | undefined {
    return this.#replicas.get(id)?.spec;
  }

  volumes(): string[] {
    return [...this.#volumes.keys()].sort();
  }

  networks(): string[] {
    return [...this.#networks.keys()].sort();
  }

  /** A process dies by itself or by the hand of a stranger. */
  kill(id: ReplicaId, exitCode = 137, oomKilled = false): void {
    const replica = this.#replicas.get(id);
    if (replica) this.#end(replica, exitCode, oomKilled);
  }

  /** Power off and on: every replica has ended, and nobody knows how. Volumes, images and networks stay. */
  reboot(): void {
    for (const replica of this.#replicas.values()) {
      this.#end(replica, 137, false);
      delete replica.exitCode;
    }
  }

  async observe(scope: Scope | "all", signal: AbortSignal): Promise<ObservedReplica[]> {
    this.#enter("observe", "", signal);
    return [...this.#of(scope)].map(observed);
  }

  async ensureImage(
    request: ImageRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    this.#enter("ensureImage", request.service, signal);
    const { image, build } = request.compose;
    const reference = image ?? `${request.scope.stack}-${request.service}`;
    const behaviour = this.#behaviours.get(reference) ?? this.#behaviours.get(request.service);
    const made = `sha256:${sha256(canonicalJson({ reference, build }))}` as ImageDigest;
    const digest = request.digest ?? made;
    if (behaviour?.imageMissing || (request.digest !== undefined && !this.#images.has(digest)))
      throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${reference} cannot be found`);
    if (!this.#images.has(digest)) onLine(`${build ? "built" : "pulled"} ${reference}`);
    this.#images.add(digest);
    return { digest, reference, description: `${reference} (memory)`, exposedPorts: [] };
  }

  async heldImages(known: readonly HeldImage[], signal: AbortSignal): Promise<ImageOnHost[]> {
    this.#enter("heldImages", "", signal);
    const used = new Set([...this.#replicas.values()].map(({ spec }) => spec.image.digest));
    const here = known.filter(({ digest }) => this.#images.has(digest));
    return here.map((image) => ({ ...image, sizeBytes: 1_000_000, inUse: used.has(image.digest) }));
  }

  async dropImage({ digest, reference }: HeldImage, signal: AbortSignal): Promise<boolean> {
    this.#enter("dropImage", reference, signal);
    return this.#images.delete(digest);
  }

  /** Archives by image digest or reference; what is not here has no layers that anybody could look at. */
  readonly archives = new Map<string, Uint8Array>();

  async exportImage(
    image: { digest: string; reference: string },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    signal.throwIfAborted();
    const bytes = this.archives.get(image.digest) ?? this.archives.get(image.reference);
    if (!bytes) throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${image.reference} cannot be found`);
    return (async function* () {
      yield bytes;
    })();
  }

  async ensureResources(resources: ScopeResources, signal: AbortSignal): Promise<ServiceAddress[]> {
    this.#enter("ensureResources", scopeKey(resources.scope), signal);
    const key = scopeKey(resources.scope);
    for (const network of Object.values(resources.networks))
      if (!network.external) this.#networks.set(network.name, key);
    for (const volume of Object.values(resources.volumes))
      if (!volume.external) this.#volumes.set(volume.name, key);
    return resources.services.map(({ service }) => ({
      service,
      host: this.#address(key, service),
      allow: [],
    }));
  }

  async startReplica(spec: ReplicaSpec, signal: AbortSignal): Promise<void> {
    this.#enter("startReplica", spec.id, signal);
    const known = this.#replicas.get(spec.id);
    if (known?.state === "running") return;
    if (!this.#images.has(spec.image.digest))
      throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${spec.image.reference} is not on this host`);
    const behaviour = this.#behaviourOf(spec);
    if (behaviour.startFails !== undefined) throw runtimeError("RUNTIME_START_FAILED", behaviour.startFails);
    const replica = known ?? this.#create(spec);
    replica.state = "running";
    replica.startedAt = this.#clock.now();
    replica.oomKilled = false;
    delete replica.exitedAt;
    delete replica.exitCode;
    this.#count(spec);
    for (const text of behaviour.lines ?? []) this.#write(spec, "stdout", text);
    this.#planDeath(replica, behaviour);
    this.#nudge();
  }

  async stopReplica(id: ReplicaId, graceSeconds: number, signal: AbortSignal): Promise<void> {
    this.#enter("stopReplica", id, signal);
    const replica = this.#replicas.get(id);
    if (replica?.state !== "running") return;
    if (!this.#behaviourOf(replica.spec).ignoresStop) return this.#end(replica, 0, false);
    await this.#clock.sleep(graceSeconds * 1000, signal);
    this.#end(replica, 137, false);
  }

  async removeReplica(id: ReplicaId, signal: AbortSignal): Promise<void> {
    this.#enter("removeReplica", id, signal);
    const replica = this.#replicas.get(id);
    if (!replica) return;
    this.#end(replica, 137, false);
    this.#replicas.delete(id);
    this.#log.removeReplica(id);
    this.#nudge();
  }

  async runJob(spec: JobSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobOutcome> {
    this.#enter("runJob", spec.jobId, signal);
    const job = this.#behaviourOf(spec).job ?? { exitCode: 0 };
    const limitMs = spec.timeoutSeconds * 1000;
    const takesMs = job.takesMs ?? 0;
    for (const line of job.lines ?? []) onLine(line);
    if (takesMs > 0) await this.#clock.sleep(Math.min(takesMs, limitMs), signal);
    const timedOut = takesMs > limitMs;
    const exitCode = timedOut ? 137 : job.exitCode;
    return { exitCode, timedOut, oomKilled: job.oomKilled ?? false, lastLines: (job.lines ?? []).slice(-20) };
  }

  async probe(id: ReplicaId, probe: Probe, signal: AbortSignal): Promise<ProbeResult> {
    this.#enter("probe", "", signal);
    const replica = this.#replicas.get(id);
    if (!replica) return { ok: false, reason: `replica ${id} does not exist` };
    if (replica.state !== "running") return { ok: false, reason: `replica ${id} is not running` };
    const behaviour = this.#behaviourOf(replica.spec);
    const age = this.#clock.now() - (replica.startedAt ?? 0);
    if (probe.kind === "alive")
      return age >= probe.stableSeconds * 1000
        ? { ok: true, latencyMs: 0 }
        : { ok: false, reason: `alive for ${age} ms of ${probe.stableSeconds} s` };
    if (behaviour.probe) return { ok: false, ...behaviour.probe };
    if (behaviour.neverReady) return { ok: false, reason: `${describe(probe)} was refused` };
    if (age < (behaviour.readyAfterMs ?? 0))
      return { ok: false, reason: `${describe(probe)}: still starting` };
    return { ok: true, latencyMs: 1 };
  }

  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    const scopes = new Map<ReplicaId, string>();
    const inScope = (line: LogLine) => {
      const spec = this.#replicas.get(line.replica)?.spec;
      if (spec) scopes.set(line.replica, scopeKey(spec.scope));
      return scopes.get(line.replica) === scopeKey(query.scope);
    };
    const wanted = (line: LogLine) =>
      inScope(line) &&
      (query.services?.includes(line.service) ?? true) &&
      (query.replica === undefined || query.replica === line.replica) &&
      (query.since === undefined || (line.at ?? 0) >= query.since);
    const { tail, follow, untilEnd, replica } = query;
    if (!untilEnd || replica === undefined) return this.#log.read(wanted, { tail, follow }, signal);
    const ended = () => this.#replicas.get(replica)?.state !== "running";
    return this.#log.read(wanted, { tail, follow, ended }, signal);
  }

  async stats(scope: Scope | "all", signal: AbortSignal): Promise<ReplicaStats[]> {
    this.#enter("stats", "", signal);
    return [...this.#of(scope)]
      .filter((replica) => replica.state === "running")
      .map(({ spec }) => ({
        replica: spec.id,
        service: spec.service,
        ...(this.#behaviourOf(spec).stats ?? { cpu: 0.01, memoryBytes: 32 * 1024 ** 2 }),
      }));
  }

  async exec(id: ReplicaId, argv: readonly string[], io: ExecIo, signal: AbortSignal): Promise<number> {
    this.#enter("exec", `${id} ${argv.join(" ")}`, signal);
    const replica = this.#replicas.get(id);
    if (!replica) throw runtimeError("RUNTIME_REPLICA_MISSING", `replica ${id} does not exist`);
    if (replica.state !== "running")
      throw runtimeError("RUNTIME_REPLICA_NOT_RUNNING", `replica ${id} is not running`);
    const scripted = this.#behaviourOf(replica.spec).exec ?? { exitCode: 0 };
    if (scripted.stdout !== undefined) await io.onStdout(new TextEncoder().encode(scripted.stdout));
    if (scripted.stderr !== undefined) io.onStderr(new TextEncoder().encode(scripted.stderr));
    return scripted.exitCode;
  }

  watch(onChange: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#watchers.add(onChange);
    signal.addEventListener("abort", () => this.#watchers.delete(onChange), { once: true });
  }

  async removeResources(scope: Scope, options: { volumes: boolean }, signal: AbortSignal): Promise<void> {
    this.#enter("removeResources", scopeKey(scope), signal);
    const removeFrom = (owners: Map<string, string>) => {
      for (const [name, owner] of owners) if (owner === scopeKey(scope)) owners.delete(name);
    };
    removeFrom(this.#networks);
    if (!options.volumes) return;
    for (const name of this.volumes())
      if (this.#volumes.get(name) === scopeKey(scope)) await this.volumeFiles.remove(scope, { name });
  }

  /** Watchers of the control plane that goes away are forgotten; the host and its replicas stay. */
  async close(): Promise<void> {
    this.#watchers.clear();
  }

  #enter(call: RuntimeCall, what: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    if (what !== "") this.calls.push(`${call} ${what}`);
    const failures = this.#failures.get(call);
    if (failures && failures.length > 0) throw failures.shift();
  }

  *#of(scope: Scope | "all"): Iterable<Replica> {
    for (const replica of this.#replicas.values())
      if (scope === "all" || scopeKey(replica.spec.scope) === scopeKey(scope)) yield replica;
  }

  #behaviourOf(spec: ReplicaSpec): MemoryBehaviour {
    const keys = [spec.id, spec.image.digest, spec.image.reference, spec.service];
    return keys.map((key) => this.#behaviours.get(key)).find((behaviour) => behaviour) ?? {};
  }

  #create(spec: ReplicaSpec): Replica {
    this.#replicaHosts += 1;
    const host = `10.0.${this.#replicaHosts >> 8}.${this.#replicaHosts & 255}`;
    const replica: Replica = { spec, host, state: "created", oomKilled: false, life: new AbortController() };
    this.#replicas.set(spec.id, replica);
    return replica;
  }

  #address(scope: string, service: string): string {
    const key = `${scope}/${service}`;
    const known = this.#addresses.get(key);
    if (known) return known;
    const host = `10.1.${this.#addresses.size >> 8}.${this.#addresses.size & 255}`;
    this.#addresses.set(key, host);
    return host;
  }

  #count(spec: ReplicaSpec): void {
    const running = [...this.#of(spec.scope)].filter(
      (other) => other.spec.service === spec.service && other.state === "running",
    ).length;
    const key = `${scopeKey(spec.scope)}/${spec.service}`;
    this.#mostRunning.set(key, Math.max(running, this.#mostRunning.get(key) ?? 0));
  }

  #planDeath(replica: Replica, { dies }: MemoryBehaviour): void {
    if (!dies) return;
    const die = () => {
      for (const text of dies.lines ?? []) this.#write(replica.spec, "stderr", text);
      this.#end(replica, dies.exitCode, dies.oomKilled ?? false);
    };
    if (dies.afterMs === 0) {
      die();
      return;
    }
    replica.life = new AbortController();
    // Rejects only when the replica was ended before its time.
    this.#clock.sleep(dies.afterMs, replica.life.signal).then(die, () => undefined);
  }

  #end(replica: Replica, exitCode: number, oomKilled: boolean): void {
    if (replica.state !== "running") return;
    replica.life.abort();
    replica.state = "exited";
    replica.exitedAt = this.#clock.now();
    replica.exitCode = exitCode;
    replica.oomKilled = oomKilled;
    this.#log.wake();
    this.#nudge();
  }

  #write(spec: ReplicaSpec, stream: "stdout" | "stderr", text: string): void {
    this.#log.write({ replica: spec.id, service: spec.service, stream, at: this.#clock.now(), text });
  }

  #nudge(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
