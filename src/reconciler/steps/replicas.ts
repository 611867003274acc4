import { formatSeconds } from "../../lib/duration.ts";
import { hasCode } from "../../lib/platform-error.ts";
import type { ObservedReplica } from "../../runtime/port.ts";
import type { Probe } from "../../stack/stack.ts";
import { engineError } from "../errors.ts";
import { StepFailure } from "../step-failure.ts";
import { lastLines } from "./last-lines.ts";
import { Lives } from "./lives.ts";
import { ensureImage } from "./prepare.ts";
import { replicaSpec } from "./replica-spec.ts";
import { type Runners, type StepWorld, serviceIn } from "./step-world.ts";

export const startReplica: Runners["startReplica"] = async (step, world) => {
  const { runtime } = world.parts;
  const spec = replicaSpec(world, step);
  try {
    await runtime.startReplica(spec, world.signal);
  } catch (error) {
    // An image of an older release may have been pruned from the host since: fetch exactly that one and try once more.
    if (!hasCode(error, "RUNTIME_IMAGE_UNAVAILABLE")) throw error;
    await ensureImage({ kind: "ensureImage", service: step.service }, world);
    await runtime.startReplica(spec, world.signal);
  }
  return undefined;
};

/**
 * Probes until the first pass; gives up when the time is over, or when the replica ends although every peer could
 * be reached during its last life, and says what it saw.
 */
export const waitReady: Runners["waitReady"] = async (step, world) => {
  const { clock, settings } = world.parts;
  const { probe } = serviceIn(world, step.service);
  const deadline = world.startedAt + step.timeoutSeconds * 1000;
  let waitMs = settings.readyPollMs;
  const lives = new Lives(world, step.service);
  await world.replicas();
  for (;;) {
    const result = await world.tracker.probeNow(step.replica, probe, world.signal);
    const replicas = await world.replicas();
    const replica = replicas.get(step.replica);
    if (result.ok && replica?.state === "running") return undefined;
    if (replica === undefined) throw engineError("ENGINE_RESOURCE_GONE", `replica ${step.replica} is gone`);
    const answer = result.ok ? undefined : result;
    if (lives.endedForGood(replica, replicas.values())) throw await died(replica, world, answer);
    if (replica.state === "exited" && clock.now() >= (replica.exitedAt ?? 0) + restartPauseMs) {
      await world.parts.runtime.startReplica(
        replicaSpec(world, { ...replica, replica: replica.id }),
        world.signal,
      );
    }
    if (clock.now() >= deadline) throw await notReady(step.timeoutSeconds, replica, world, answer);
    if (world.control() === "abort")
      throw engineError("ENGINE_ABORTED", "aborted while waiting for readiness");
    await clock.sleep(waitMs, world.signal);
    waitMs = nextWait(waitMs, probe);
  }
};

/** A runtime may start it again sooner by itself. */
const restartPauseMs = 1000;

/** Fast at first, because most programs are ready in well under a second; then gently. */
function nextWait(waitMs: number, probe: Probe): number {
  return Math.min(waitMs * 1.3, probe.kind === "exec" ? 500 : 250);
}

type Answer = { reason: string; body?: string } | undefined;

async function died(replica: ObservedReplica, world: StepWorld, probe: Answer): Promise<StepFailure> {
  const unknown = replica.state === "running" ? "(and was started again)" : "with an unknown exit code";
  const code = replica.exitCode === undefined ? unknown : `with exit code ${replica.exitCode}`;
  const message = `${replica.service} ended ${replica.oomKilled ? "for lack of memory" : code} before it was ready`;
  return new StepFailure(engineError("ENGINE_REPLICA_DIED", message), {
    ...(replica.exitCode === undefined ? {} : { exitCode: replica.exitCode }),
    ...(probe ? { probe } : {}),
    lastLines: await lastLines(world.parts.runtime, world.scope, replica.id),
  });
}

async function notReady(
  seconds: number,
  replica: ObservedReplica,
  world: StepWorld,
  probe: Answer,
): Promise<StepFailure> {
  const message = `${replica.service} was not ready within ${formatSeconds(seconds)}`;
  return new StepFailure(engineError("ENGINE_NOT_READY", message), {
    ...(probe ? { probe } : {}),
    lastLines: await lastLines(world.parts.runtime, world.scope, replica.id),
  });
}

/** Under every port by which the edge has ever known the replica. */
export const drain: Runners["drain"] = async (step, world) => {
  const { counters } = await world.director.observe(world.signal);
  const targets = counters
    .map(({ target }) => target)
    .filter((target) => target.startsWith(`${step.replica}:`));
  await Promise.all(
    targets.map((target) => world.parts.edge.drain(target, step.timeoutSeconds, world.signal)),
  );
  return undefined;
};

export const stopReplica: Runners["stopReplica"] = async (step, world) => {
  await world.parts.runtime.stopReplica(step.replica, step.graceSeconds, world.signal);
  return undefined;
};

export const removeReplica: Runners["removeReplica"] = async (step, world) => {
  await world.parts.beforeRemove?.(step.replica);
  await world.parts.runtime.removeReplica(step.replica, world.signal);
  return undefined;
};
