import { assertNever } from "../../../lib/assert-never.ts";
import { PlatformError } from "../../../lib/platform-error.ts";
import type { ReplicaId } from "../../../rollout/ids.ts";
import type { Probe } from "../../../stack/stack.ts";
import type { ProbeResult } from "../../port.ts";
import { probeHttp, quotedCharacters } from "../../probe-http.ts";
import { probeTcp } from "../../probe-tcp.ts";
import type { ContainerInspect } from "./engine-types.ts";
import { execInContainer } from "./exec.ts";
import type { DockerHost } from "./host.ts";
import { hostOf, stateOf, timeOf } from "./observe.ts";

/** One probe of a replica; whatever goes wrong with the replica is the result, only an abort or a dead engine raises. */
export async function probeReplica(
  host: DockerHost,
  id: ReplicaId,
  probe: Probe,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const container = await host.replica(id, signal);
  if (container === undefined) return { ok: false, reason: `there is no replica ${id}` };
  if (stateOf(container) !== "running") {
    return {
      ok: false,
      reason: `${id} does not run (${container.State.Status}, exit code ${container.State.ExitCode})`,
    };
  }
  const timeoutMs = probe.timeoutSeconds * 1000;
  switch (probe.kind) {
    case "http":
    case "tcp": {
      const address = hostOf(container);
      if (address === undefined) {
        return { ok: false, reason: `${id} has no address that this host can reach; use an exec probe` };
      }
      return probe.kind === "http"
        ? await probeHttp(
            { host: address, port: probe.port, path: probe.path, expect: probe.expect, timeoutMs },
            signal,
          )
        : await probeTcp({ host: address, port: probe.port, timeoutMs }, signal);
    }
    case "exec":
      return await probeExec(host, container, probe, signal);
    case "alive":
      return probeAlive(container, probe.stableSeconds, host.clock.now());
    default:
      return assertNever(probe);
  }
}

function probeAlive(container: ContainerInspect, stableSeconds: number, now: number): ProbeResult {
  const upMs = now - (timeOf(container.State.StartedAt) ?? now);
  if (upMs >= stableSeconds * 1000) return { ok: true, latencyMs: 0 };
  return { ok: false, reason: `up for ${(upMs / 1000).toFixed(1)} s, ${stableSeconds} s are wanted` };
}

async function probeExec(
  host: DockerHost,
  container: ContainerInspect,
  probe: Extract<Probe, { kind: "exec" }>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const argv = probe.shell ? ["/bin/sh", "-c", probe.argv.join(" ")] : probe.argv;
  const limit = AbortSignal.timeout(probe.timeoutSeconds * 1000);
  const startedAt = performance.now();
  let output = "";
  const decoder = new TextDecoder();
  const collect = (chunk: Uint8Array) => {
    if (output.length < quotedCharacters) output += decoder.decode(chunk, { stream: true });
  };
  const bodyOf = () => (output === "" ? {} : { body: output.slice(0, quotedCharacters) });
  try {
    const exitCode = await execInContainer(
      host,
      { container: container.Id, argv, io: { onStdout: collect, onStderr: collect, tty: false } },
      AbortSignal.any([signal, limit]),
    );
    if (exitCode === 0) return { ok: true, latencyMs: performance.now() - startedAt };
    return { ok: false, reason: `${probe.argv.join(" ")} ended with exit code ${exitCode}`, ...bodyOf() };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (limit.aborted) {
      return {
        ok: false,
        reason: `${probe.argv.join(" ")} did not end within ${probe.timeoutSeconds} s and was killed`,
        ...bodyOf(),
      };
    }
    if (error instanceof PlatformError && error.code !== "RUNTIME_UNREACHABLE") {
      return { ok: false, reason: error.message };
    }
    throw error;
  }
}
