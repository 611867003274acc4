import { randomBytes } from "node:crypto";
import {
  type ImageDigest,
  type ReleaseId,
  type Revision,
  replicaId,
  type Scope,
  scopeKey,
} from "../rollout/ids.ts";
import type { ComposeService } from "../stack/compose-model.ts";
import type { Probe } from "../stack/stack.ts";
import type {
  JobSpec,
  LogLine,
  LogQuery,
  MountedFile,
  ObservedReplica,
  ReplicaSpec,
  Runtime,
} from "./port.ts";

/** What a driver's test hands to the suite: its host, and a way to open a second driver over the same host. */
export type HostUnderTest = { runtime: Runtime; reopen: () => Promise<Runtime> };

/** Registers one promise under its title. */
export type Check = (title: string, body: (stage: Stage, host: HostUnderTest) => Promise<void>) => void;

export type ConformanceOptions = {
  /** Titles of tests about what this driver is not for, with the reason. They are not registered for it. */
  notFor?: readonly { reason: string; tests: readonly string[] }[];
  /** Compose keys that run `node echo.mjs <args>` of test/fixtures/programs on that driver. */
  program: (args: readonly string[]) => ComposeService;
  /** A service whose image cannot be had. */
  missing: ComposeService;
};

export type SpecOptions = {
  args?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  files?: readonly MountedFile[];
  /** Compose keys on top of the program's. */
  compose?: ComposeService;
  revision?: string;
  ordinal?: number;
};

export const signal = new AbortController().signal;
export const timing = { intervalSeconds: 1, timeoutSeconds: 5, retries: 1, startPeriodSeconds: 0 };
export const httpProbe: Probe = { kind: "http", path: "/healthz", port: 8080, expect: [], ...timing };

/** Polls until the answer is there; fails loudly with what it waited for. */
export async function until<T>(what: string, read: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited 20 s in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One scope of its own per test, so that tests share a host without seeing each other. */
export class Stage {
  readonly scope: Scope = { stack: `conf${randomBytes(4).toString("hex")}`, environment: "test" };
  runtime: Runtime;
  readonly #options: ConformanceOptions;

  constructor(runtime: Runtime, options: ConformanceOptions) {
    this.runtime = runtime;
    this.#options = options;
  }

  /** Prepares image and resources, and describes a replica without starting it. */
  async spec(service: string, options: SpecOptions = {}): Promise<ReplicaSpec> {
    const { scope } = this;
    const compose: ComposeService = {
      ...this.#options.program(options.args ?? ["serve"]),
      ...options.compose,
      networks: { default: null },
    };
    const mounts = this.#options.program([]).volumes ?? [];
    compose.volumes = [...mounts, ...(options.compose?.volumes ?? [])];
    const networks = { default: { name: `${scope.stack}_default` } };
    const volumes = { data: { name: `${scope.stack}_data` } };
    const image = await this.runtime.ensureImage({ scope, service, compose }, () => undefined, signal);
    const services = [{ service, addressing: "proxied" as const, networks: ["default"] }];
    const addresses = await this.runtime.ensureResources({ scope, networks, volumes, services }, signal);
    const revision = (options.revision ?? "aaaaaaaaaa") as Revision;
    const ordinal = options.ordinal ?? 0;
    return {
      id: replicaId(scope, service, revision, ordinal),
      scope,
      service,
      revision,
      ordinal,
      release: "rel_0001" as ReleaseId,
      image,
      compose,
      ports: [{ port: 8080, protocol: "http" }],
      environment: options.environment ?? {},
      files: options.files ?? [],
      networks,
      volumes,
      addresses,
      addressing: "proxied",
    };
  }

  async job(service: string, args: readonly string[], overrides: Partial<JobSpec> = {}): Promise<JobSpec> {
    const jobId = `job_${randomBytes(4).toString("hex")}`;
    return { ...(await this.spec(service, { args })), jobId, timeoutSeconds: 60, ...overrides };
  }

  async start(service: string, options: SpecOptions = {}): Promise<ReplicaSpec> {
    const spec = await this.spec(service, options);
    await this.runtime.startReplica(spec, signal);
    return spec;
  }

  async ready(service: string, options: SpecOptions = {}): Promise<ReplicaSpec> {
    const spec = await this.start(service, options);
    await until(
      `${service} to be ready`,
      async () => (await this.runtime.probe(spec.id, httpProbe, signal)).ok,
    );
    return spec;
  }

  async observe(spec: ReplicaSpec): Promise<ObservedReplica | undefined> {
    const all = await this.runtime.observe(spec.scope, signal);
    return all.find((replica) => replica.id === spec.id);
  }

  exited(spec: ReplicaSpec): Promise<ObservedReplica> {
    return until(`${spec.id} to have exited`, async () => {
      const replica = await this.observe(spec);
      return replica?.state === "exited" ? replica : undefined;
    });
  }

  /** The body that the replica's program answers with. */
  async get(spec: ReplicaSpec, path: string): Promise<string> {
    const replica = await this.observe(spec);
    const response = await fetch(`http://${replica?.host}:${replica?.portMap[8080] ?? 8080}${path}`, {
      headers: { connection: "close" },
    });
    return response.text();
  }

  async lines(query: Partial<LogQuery> = {}): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for await (const line of this.runtime.logs({ scope: this.scope, follow: false, ...query }, signal))
      lines.push(line);
    return lines;
  }

  async clean(): Promise<void> {
    for (const { id } of await this.runtime.observe(this.scope, signal))
      await this.runtime.removeReplica(id, signal);
    await this.runtime.removeResources(this.scope, { volumes: true }, signal);
    if ((await this.runtime.observe(this.scope, signal)).length > 0)
      throw new Error(`${scopeKey(this.scope)} still has replicas after its test`);
  }
}

export function isDigest(value: ImageDigest | undefined): boolean {
  return value !== undefined && /^sha256:[0-9a-f]{64}$/.test(value);
}
