/** Builders and a simulated host for the planner's tests: steps always succeed here, exactly as their text says. */
import type { DesiredRelease, DesiredService } from "./desired.ts";
import { type ReleaseId, type Revision, replicaId, type Scope } from "./ids.ts";
import type { Observed, ReplicaView, RoutingView } from "./observed.ts";
import { planRollout } from "./plan-rollout.ts";
import type { RolloutInput } from "./rollout-input.ts";
import { type Plan, type Step, stepKey } from "./step.ts";

export const scope: Scope = { stack: "shop", environment: "production" };

export function aService(name: string, changes: Partial<DesiredService> = {}): DesiredService {
  return {
    name,
    revision: "aaaaaaaaaa" as Revision,
    replicas: 1,
    stopped: false,
    strategy: "blue-green",
    database: false,
    oneShot: false,
    routed: true,
    keepWarmSeconds: 3600,
    drainSeconds: 30,
    readyTimeoutSeconds: 120,
    stopGraceSeconds: 10,
    holdSeconds: 30,
    dependsOn: [],
    hasSmoke: false,
    ...changes,
  };
}

export function aRelease(id: string, services: readonly DesiredService[]): DesiredRelease {
  return { scope, release: id as ReleaseId, services };
}

export const nothing: Observed = { replicas: [], routing: {}, resourcesReady: false };

export function anInput(target: DesiredRelease, changes: Partial<RolloutInput> = {}): RolloutInput {
  return {
    mode: "deploy",
    target,
    observed: nothing,
    done: new Set(),
    promoted: false,
    kept: {},
    notBefore: {},
    now: 0,
    ...changes,
  };
}

/** The input after one step has succeeded. */
export function after(input: RolloutInput, step: Step): RolloutInput {
  const next: RolloutInput = {
    ...input,
    observed: observedAfter(input, step),
    done: new Set([...input.done, stepKey(step)]),
  };
  return step.kind === "markCurrent" ? { ...next, current: step.release } : next;
}

function observedAfter(input: RolloutInput, step: Step): Observed {
  const { observed } = input;
  const change = (id: string, changes: Partial<ReplicaView>): Observed => ({
    ...observed,
    replicas: observed.replicas.map((replica) => (replica.id === id ? { ...replica, ...changes } : replica)),
  });
  const route = (changes: Record<string, RoutingView>): Observed => ({
    ...observed,
    routing: { ...observed.routing, ...changes },
  });
  switch (step.kind) {
    case "ensureResources":
      return { ...observed, resourcesReady: true };
    case "startReplica": {
      const rest = observed.replicas.filter((replica) => replica.id !== step.replica);
      return {
        ...observed,
        replicas: [...rest, aReplica(step.service, step.revision, step.ordinal, { ready: false })],
      };
    }
    case "waitReady":
      return change(step.replica, { ready: true });
    case "stopReplica":
      return change(step.replica, { ready: false, state: "exited" });
    case "removeReplica":
      return { ...observed, replicas: observed.replicas.filter((replica) => replica.id !== step.replica) };
    case "hold": {
      const targets = (observed.routing[step.service]?.targets ?? []).map((target) => ({
        ...target,
        weight: 0,
      }));
      return route({ [step.service]: { targets, hold: true } });
    }
    case "route":
      return route({ [step.service]: { targets: step.targets, hold: false } });
    case "cutOver":
      return route(
        Object.fromEntries(step.services.map((s) => [s.service, { targets: s.targets, hold: false }])),
      );
    case "ensureImage":
    case "runJob":
    case "watchCanary":
    case "smoke":
    case "markCurrent":
    case "drain":
    case "removeResources":
      return observed;
  }
}

export function aReplica(
  service: string,
  revision: Revision,
  ordinal: number,
  changes: Partial<ReplicaView> = {},
): ReplicaView {
  const id = replicaId(scope, service, revision, ordinal);
  return { id, service, revision, ordinal, state: "running", ready: true, restarts: 0, ...changes };
}

/** Plans, takes the whole first wave (or only its first `take` steps), and plans again, until nothing is left. */
export function runToEnd(
  start: RolloutInput,
  onStep: (input: RolloutInput, step: Step, plan: Plan) => void = () => undefined,
): { input: RolloutInput; taken: Step[] } {
  let input = start;
  const taken: Step[] = [];
  for (let round = 0; round < 500; round += 1) {
    const plan = planRollout(input);
    const next = plan.steps.find((planned) => planned.wave === 0);
    if (!next) return { input, taken };
    input = after(input, next.step);
    taken.push(next.step);
    onStep(input, next.step, plan);
  }
  throw new Error(`no end after 500 steps: ${taken.slice(-6).map(stepKey).join(" → ")}`);
}

/** The world in which a release is current and everything of it runs. */
export function running(release: DesiredRelease): RolloutInput {
  return runToEnd(anInput(release)).input;
}

export function keys(steps: readonly Step[]): string[] {
  return steps.map(stepKey);
}
