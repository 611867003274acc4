import type { ReplicaId } from "../../rollout/ids.ts";
import type { WeightedReplica } from "../../rollout/step.ts";
import type { ObservedReplica } from "../../runtime/port.ts";
import type { RoutedReplica, ScopeState } from "../../store/port.ts";
import { engineError } from "../errors.ts";
import type { Runners, StepWorld } from "./step-world.ts";

/** Requests wait from now on; the old targets keep their names so that their open requests can be drained. */
export const hold: Runners["hold"] = async (step, world) => {
  await world.director.change(
    world.scope,
    (state) => {
      const before = state.routing[step.service];
      if (!before) return state;
      const targets = before.targets.map((target) => ({ ...target, weight: 0 }));
      const held = { ...before, targets, hold: true, holdSeconds: step.holdSeconds };
      return { ...state, routing: { ...state.routing, [step.service]: held } };
    },
    world.signal,
  );
  return undefined;
};

export const route: Runners["route"] = async (step, world) => {
  await send(world, [{ service: step.service, targets: step.targets }]);
  return undefined;
};

export const cutOver: Runners["cutOver"] = async (step, world) => {
  await send(world, step.services);
  return undefined;
};

type Wish = { service: string; targets: readonly WeightedReplica[] };

/** One change of state, one edge configuration: all services move together. */
async function send(world: StepWorld, wishes: readonly Wish[]): Promise<void> {
  const replicas = await world.replicas();
  const resolved = wishes.map((wish) => ({
    ...wish,
    targets: wish.targets.map((target) => address(target, replicas)),
  }));
  await world.director.change(
    world.scope,
    (state) => resolved.reduce((next, wish) => routed(next, wish, world), state),
    world.signal,
  );
}

function routed(
  state: ScopeState,
  wish: { service: string; targets: readonly RoutedReplica[] },
  world: StepWorld,
): ScopeState {
  const wanted = world.target.services.find((service) => service.name === wish.service && service.routed);
  if (!wanted) {
    const { [wish.service]: _gone, ...rest } = state.routing;
    return { ...state, routing: rest };
  }
  const entry = {
    release: world.plan.release,
    targets: wish.targets,
    hold: false,
    holdSeconds: wanted.holdSeconds,
  };
  return { ...state, routing: { ...state.routing, [wish.service]: entry } };
}

function address(target: WeightedReplica, replicas: ReadonlyMap<ReplicaId, ObservedReplica>): RoutedReplica {
  const replica = replicas.get(target.replica);
  if (replica?.host === undefined) {
    throw engineError("ENGINE_RESOURCE_GONE", `replica ${target.replica} ended before it got its traffic`);
  }
  return { replica: target.replica, host: replica.host, portMap: replica.portMap, weight: target.weight };
}

export const markCurrent: Runners["markCurrent"] = async (step, world) => {
  await world.director.change(world.scope, (state) => ({ ...state, current: step.release }), world.signal);
  return undefined;
};
