import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../lib/run.ts";
import {
  type ReleaseId,
  type ReplicaId,
  type Revision,
  replicaId,
  type Scope,
} from "../../../rollout/ids.ts";
import type { ComposeNetwork, ComposeService, ComposeVolume } from "../../../stack/compose-model.ts";
import type { ObservedReplica, ReplicaSpec, ServiceAddress } from "../../port.ts";
import { DockerRuntime } from "../docker.ts";

export const signal = new AbortController().signal;

/** The engine that the Docker CLI talks to as well. */
export const engineSocket =
  /^unix:\/\/(.+)$/.exec(process.env["DOCKER_HOST"] ?? "")?.[1] ?? "/var/run/docker.sock";

/** Why tests against a real engine cannot run here; `undefined` when they can. In CI a missing engine is a failure. */
export async function engineProblem(): Promise<string | undefined> {
  const outcome = await run(["docker", "version", "--format", "{{.Server.Version}}"], {
    timeoutMs: 15_000,
  }).catch((error: unknown) => ({ exitCode: 1, stdout: "", stderr: String(error) }));
  if (outcome.exitCode === 0) return undefined;
  const problem = `no Docker engine answers here: ${outcome.stderr.trim().split("\n")[0]}`;
  if (process.env["CI"] === "true") throw new Error(problem);
  return problem;
}

/** The Docker CLI, as a second opinion beside the driver. Throws when it fails. */
export async function docker(...args: string[]): Promise<string> {
  const outcome = await run(["docker", ...args], { timeoutMs: 120_000 });
  if (outcome.exitCode !== 0) throw new Error(`docker ${args.join(" ")}: ${outcome.stderr}`);
  return outcome.stdout.trim();
}

export async function until<T>(what: string, read: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited 20 s in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export type StageSpec = {
  revision?: string;
  addressing?: "proxied" | "direct";
  environment?: Record<string, string>;
  files?: ReplicaSpec["files"];
  ports?: ReplicaSpec["ports"];
};

/** One scope of its own on the real engine, removed afterwards with all that it made. */
export class DockerStage {
  readonly scope: Scope = { stack: `dock${randomBytes(4).toString("hex")}`, environment: "production" };
  readonly runtime: DockerRuntime;
  readonly filesDirectory: string;
  networks: Record<string, ComposeNetwork>;
  volumes: Record<string, ComposeVolume>;
  addresses: ServiceAddress[] = [];

  private constructor(filesDirectory: string, socketPath: string) {
    this.filesDirectory = filesDirectory;
    this.runtime = new DockerRuntime({ filesDirectory, owner: "roadstead-test", socketPath });
    this.networks = { default: { name: `${this.scope.stack}_default` } };
    this.volumes = { data: { name: `${this.scope.stack}_data` } };
  }

  static async open(socketPath = engineSocket): Promise<DockerStage> {
    return new DockerStage(await mkdtemp(join(tmpdir(), "roadstead-docker-")), socketPath);
  }

  /** Networks, volumes and addresses for services given as `name: networks`. */
  async resources(
    services: Record<string, readonly string[]>,
    addressing: "proxied" | "direct" = "proxied",
  ): Promise<ServiceAddress[]> {
    this.addresses = await this.runtime.ensureResources(
      {
        scope: this.scope,
        networks: this.networks,
        volumes: this.volumes,
        services: Object.entries(services).map(([service, networks]) => ({ service, addressing, networks })),
      },
      signal,
    );
    return this.addresses;
  }

  async spec(service: string, compose: ComposeService, options: StageSpec = {}): Promise<ReplicaSpec> {
    const full: ComposeService = { image: "busybox:latest", ...compose };
    const image = await this.runtime.ensureImage(
      { scope: this.scope, service, compose: full },
      () => undefined,
      signal,
    );
    const revision = (options.revision ?? "aaaaaaaaaa") as Revision;
    return {
      id: replicaId(this.scope, service, revision, 0),
      scope: this.scope,
      service,
      revision,
      ordinal: 0,
      release: "rel_0001" as ReleaseId,
      image,
      compose: full,
      ports: options.ports ?? [],
      environment: options.environment ?? {},
      files: options.files ?? [],
      networks: this.networks,
      volumes: this.volumes,
      addresses: this.addresses,
      addressing: options.addressing ?? "direct",
    };
  }

  /** Starts a replica; without a command it sleeps, so that `inside` can look around. */
  async start(service: string, compose: ComposeService = {}, options: StageSpec = {}): Promise<ReplicaSpec> {
    const spec = await this.spec(service, { command: ["sleep", "600"], init: true, ...compose }, options);
    await this.runtime.startReplica(spec, signal);
    return spec;
  }

  /** What a shell script inside a replica prints on both streams, and its exit code. */
  async inside(id: ReplicaId, script: string): Promise<{ code: number; out: string }> {
    let out = "";
    const take = (chunk: Uint8Array) => {
      out += Buffer.from(chunk).toString();
    };
    const code = await this.runtime.exec(
      id,
      ["sh", "-c", script],
      { tty: false, onStdout: take, onStderr: take },
      AbortSignal.timeout(30_000),
    );
    return { code, out: out.trim() };
  }

  async observe(id: ReplicaId): Promise<ObservedReplica | undefined> {
    return (await this.runtime.observe(this.scope, signal)).find((replica) => replica.id === id);
  }

  async close(): Promise<void> {
    for (const { id } of await this.runtime.observe(this.scope, signal))
      await this.runtime.removeReplica(id, signal);
    await this.runtime.removeResources(this.scope, { volumes: true }, signal);
    await this.runtime.close();
    await untag(`${this.scope.stack}-`);
    await rm(this.filesDirectory, { recursive: true, force: true });
  }
}

/** Removes the tags that the driver gave to images for stacks of this name, or of names that start with it. */
export async function untag(stackPrefix: string): Promise<void> {
  const filter = `roadstead/${stackPrefix}*`;
  const tags = await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", filter);
  for (const tag of tags.split("\n").filter((text) => text !== "")) {
    const outcome = await run(["docker", "image", "rm", tag], { timeoutMs: 60_000 });
    if (outcome.exitCode !== 0 && !/no such image/i.test(outcome.stderr)) throw new Error(outcome.stderr);
  }
}
