import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import type { ReplicaId } from "../../../rollout/ids.ts";
import { runtimeError } from "../../errors.ts";
import type { JobSpec, ReplicaSpec } from "../../port.ts";
import { EngineRefusal } from "./client.ts";
import { containerConfig } from "./container-config.ts";
import { runPostStart, runPreStop } from "./hooks.ts";
import type { DockerHost } from "./host.ts";
import { localImage } from "./images.ts";
import { stateOf } from "./observe.ts";
import { removeReplicaFiles, writeReplicaFiles } from "./replica-files.ts";
import { unsupported } from "./unsupported.ts";

/** Creating can wait for a volume's first copy from the image. */
const createTimeoutMs = 120_000;

/** Creates and starts a replica; one of the same id is used as it is. */
export async function startReplica(host: DockerHost, spec: ReplicaSpec, signal: AbortSignal): Promise<void> {
  const existing = await host.replica(spec.id, signal);
  if (existing !== undefined && stateOf(existing) === "running") return;
  if (existing !== undefined && stateOf(existing) === "exited") {
    // A restart of the machine may have cleaned the files away; same id, same contents.
    await writeReplicaFiles(host.filesDirectory, spec.id, spec.files);
    await startContainer(host, existing.Id, spec.id, signal);
    await runPostStart(
      host,
      { id: existing.Id, name: spec.id, hooks: spec.compose.post_start ?? [] },
      signal,
    );
    return;
  }
  // Created but never started: perhaps not connected to all its networks yet. It holds nothing, so make it anew.
  if (existing !== undefined) await host.removeContainer(existing.Id, signal);
  const id = await createContainer(host, { spec, name: spec.id, role: "replica" }, signal);
  await startContainer(host, id, spec.id, signal);
  await runPostStart(host, { id, name: spec.id, hooks: spec.compose.post_start ?? [] }, signal);
}

type Creation = { spec: ReplicaSpec | JobSpec; name: string } & (
  | { role: "replica" }
  | { role: "job"; jobId: string; argv?: readonly string[] }
);

/** Creates a container on all its networks, not started; returns the engine's id. */
export async function createContainer(
  host: DockerHost,
  creation: Creation,
  signal: AbortSignal,
): Promise<string> {
  const { spec, name } = creation;
  const image = await localImage(host, spec, signal);
  const plan = containerConfig({
    ...creation,
    imageId: image.id,
    imageVolumes: image.volumes,
    owner: host.owner,
    apiVersion: await host.client.version(signal),
    files: await writeReplicaFiles(host.filesDirectory, name, spec.files),
    securityOptions: await securityOptionsOf(spec),
  });
  try {
    const { Id } = await host.client.json<{ Id: string }>({
      method: "POST",
      path: "/containers/create",
      query: { name, platform: plan.platform },
      body: plan.config,
      signal,
      timeoutMs: createTimeoutMs,
    });
    for (const { network, config } of plan.connect) {
      await host.client.send({
        method: "POST",
        path: `/networks/${encodeURIComponent(network)}/connect`,
        body: { Container: Id, EndpointConfig: config },
        signal,
      });
    }
    return Id;
  } catch (error) {
    throw startError(name, error);
  }
}

export async function startContainer(
  host: DockerHost,
  container: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await host.client.send({
      method: "POST",
      path: `/containers/${container}/start`,
      signal,
      timeoutMs: 60_000,
    });
  } catch (error) {
    throw startError(name, error);
  }
}

/** The engine's refusals to create or start, as ours. */
function startError(name: string, error: unknown): unknown {
  if (!(error instanceof EngineRefusal)) return error;
  const text = error.message;
  if (/port is already allocated|address already in use/i.test(text)) {
    return runtimeError("RUNTIME_PORT_TAKEN", `${name} cannot start: ${text}`, { cause: error });
  }
  if (/no such image/i.test(text)) {
    return runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `${name} cannot start: ${text}`, { cause: error });
  }
  if (
    /network .* not found|no such volume|bind source path does not exist|could not find .*network/i.test(text)
  ) {
    return runtimeError("RUNTIME_RESOURCE_FAILED", `${name} cannot start: ${text}`, { cause: error });
  }
  return runtimeError("RUNTIME_START_FAILED", `${name} cannot start: ${text}`, { cause: error });
}

/** The engine wants a seccomp profile's contents, Compose names its file. */
async function securityOptionsOf(spec: ReplicaSpec): Promise<string[]> {
  const options: string[] = [];
  for (const option of spec.compose.security_opt ?? []) {
    const [, name = option, value = ""] = /^([^=:]+)[=:]([\s\S]*)$/.exec(option) ?? [];
    const inline = value === "" || value === "unconfined" || value === "builtin" || value.startsWith("{");
    if (name !== "seccomp" || inline) {
      options.push(value === "" ? option : `${name}=${value}`);
      continue;
    }
    if (!isAbsolute(value)) {
      throw unsupported(spec.service, "security_opt", `names ${value}`, "Write the profile's absolute path.");
    }
    options.push(`seccomp=${JSON.stringify(JSON.parse(await readFile(value, "utf8")))}`);
  }
  return options;
}

/** The `pre_stop` hooks, the container's own stop signal, then SIGKILL after the grace period. */
export async function stopReplica(
  host: DockerHost,
  id: ReplicaId,
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const container = await host.replica(id, signal);
  if (container === undefined) return;
  await runPreStop(host, container, graceSeconds, signal);
  await host.stopContainer(container.Id, graceSeconds, signal);
}

export async function removeReplica(host: DockerHost, id: ReplicaId, signal: AbortSignal): Promise<void> {
  const container = await host.replica(id, signal);
  if (container !== undefined) await host.removeContainer(container.Id, signal);
  await removeReplicaFiles(host.filesDirectory, id);
}
