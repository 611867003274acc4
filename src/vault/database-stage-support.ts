import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Source } from "../backup/source.ts";
import type { DatabasePlace } from "../backup/sources/database-place.ts";
import { answerOf, bytesOf } from "../backup/sources/database-place.ts";
import { systemClock } from "../lib/clock.ts";
import { type ReleaseId, type Revision, replicaId, type Scope } from "../rollout/ids.ts";
import { docker, engineSocket, untag } from "../runtime/drivers/docker/docker-support.ts";
import { DockerRuntime } from "../runtime/drivers/docker.ts";
import { layoutOf } from "../runtime/drivers/process/layout.ts";
import { ProcessRuntime } from "../runtime/drivers/process.ts";
import type { Runtime } from "../runtime/port.ts";
import type { ComposeService } from "../stack/compose-model.ts";
import type { Probe } from "../stack/stack.ts";
import { type ServingDatabase, servingPlace, withThrowAway } from "./throw-away.ts";

export type DatabaseService = {
  compose: ComposeService;
  environment: Record<string, string>;
  port: number;
  probe: Probe;
  dataFolder: string;
};

export const probeTiming = { intervalSeconds: 1, timeoutSeconds: 5, retries: 1, startPeriodSeconds: 0 };
export const signal = AbortSignal.timeout(900_000);

/** One database that serves, on a real runtime, in a scope of its own. */
export class DatabaseStage {
  readonly runtime: Runtime;
  readonly scope: Scope = { stack: `base${randomBytes(4).toString("hex")}`, environment: "production" };
  readonly home: string;
  serving!: ServingDatabase;
  place!: DatabasePlace;

  private constructor(runtime: Runtime, home: string) {
    this.runtime = runtime;
    this.home = home;
  }

  static async open(kind: "docker" | "process", service: DatabaseService): Promise<DatabaseStage> {
    const home = await mkdtemp(join(tmpdir(), "roadstead-databases-"));
    await chmod(home, 0o711);
    const options = { filesDirectory: home, owner: "roadstead-test", socketPath: engineSocket };
    const runtime = kind === "docker" ? new DockerRuntime(options) : new ProcessRuntime({ home });
    const stage = new DatabaseStage(runtime, home);
    await stage.#start(service);
    return stage;
  }

  async #start({ compose, environment, port, probe, dataFolder }: DatabaseService): Promise<void> {
    const { runtime, scope } = this;
    const service = "db";
    const volumes = { data: { name: `${scope.stack}_data` } };
    const networks = { default: { name: `${scope.stack}_default` } };
    const whole: ComposeService = {
      ...compose,
      networks: { default: null },
      volumes: [{ type: "volume", source: "data", target: dataFolder }, ...(compose.volumes ?? [])],
    };
    const image = await runtime.ensureImage({ scope, service, compose: whole }, () => undefined, signal);
    const services = [{ service, addressing: "direct" as const, networks: ["default"] }];
    const addresses = await runtime.ensureResources({ scope, networks, volumes, services }, signal);
    const revision = "aaaaaaaaaa" as Revision;
    const spec = {
      ...{ id: replicaId(scope, service, revision, 0), scope, service, revision, ordinal: 0, image },
      ...{ release: "rel_0001" as ReleaseId, compose: whole, environment, files: [], networks, volumes },
      ...{ addresses, addressing: "direct" as const, ports: [{ port, protocol: "tcp" as const }] },
    };
    this.serving = { spec, probe, readyTimeoutSeconds: 120 };
    await runtime.startReplica(spec, signal);
    await this.#ready(port, probe);
    this.place = await servingPlace(runtime, this.serving, signal);
  }

  async #ready(port: number, probe: Probe): Promise<void> {
    const deadline = performance.now() + 120_000;
    const probes: Probe[] = [{ kind: "tcp", port, ...probeTiming }, probe];
    for (;;) {
      const results = [];
      for (const one of probes) results.push(await this.runtime.probe(this.serving.spec.id, one, signal));
      if (results.every(({ ok }) => ok)) return;
      if (performance.now() > deadline) throw new Error(`not ready: ${JSON.stringify(results)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  throwAway<T>(work: (place: DatabasePlace) => Promise<T>, id = "test"): Promise<T> {
    return withThrowAway(this.runtime, this.serving, work, { id, clock: systemClock, signal });
  }

  /** Where something of this stack is left, volumes too where the engine tells. */
  async environments(): Promise<string[]> {
    const replicas = await this.runtime.observe("all", signal);
    const volumes =
      this.runtime.name === "docker"
        ? (await docker("volume", "ls", "-q", "--filter", `name=${this.scope.stack}_`)).split("\n")
        : await readdir(layoutOf(this.home).volumes);
    if (volumes.length !== 1) throw new Error(`these volumes are left: ${volumes.join(", ")}`);
    return replicas
      .filter(({ scope }) => scope.stack === this.scope.stack)
      .map(({ scope }) => scope.environment);
  }

  async close(): Promise<void> {
    for (const environment of ["production", "verify-test"]) {
      const scope = { ...this.scope, environment };
      for (const { id } of await this.runtime.observe(scope, signal))
        await this.runtime.removeReplica(id, signal);
      await this.runtime.removeResources(scope, { volumes: true }, signal);
    }
    if (this.runtime.name === "docker") await untag(`${this.scope.stack}-`);
    await this.runtime.close();
    await rm(this.home, { recursive: true, force: true });
  }
}

export async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of content) found.push(chunk);
  return Buffer.concat(found);
}

export async function dumped(source: Source<DatabasePlace>, place: DatabasePlace) {
  const dump = await source.dump(place, signal);
  const content = await whole(dump.content);
  return { content, manifest: await dump.manifest() };
}

export async function* pieces(content: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += size) yield content.subarray(at, at + size);
}

/** SQL through psql at a place, as a person would. */
export function psql(place: DatabasePlace, sql: string, database = "shop"): Promise<string> {
  const argv = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "shop", "-d", database];
  return answerOf(place, argv, { stdin: bytesOf(sql), env: { PGPASSWORD: "hush" } }, signal);
}
