import type { ImageDigest } from "../../../rollout/ids.ts";
import type { ObservedReplica } from "../../port.ts";
import type { ContainerInspect } from "./engine-types.ts";
import { identityOf, label } from "./labels.ts";

/** A container as a replica; `undefined` when its labels do not say which. */
export function observedReplica(container: ContainerInspect): ObservedReplica | undefined {
  const identity = identityOf(container.Name, container.Config.Labels);
  if (identity === undefined) return undefined;
  const { State } = container;
  const state = stateOf(container);
  const startedAt = timeOf(State.StartedAt);
  const exitedAt = state === "exited" ? timeOf(State.FinishedAt) : undefined;
  const host = state === "running" ? hostOf(container) : undefined;
  const exitCode = state === "exited" ? State.ExitCode : container.lastExit;
  const imageDigest: ImageDigest | undefined = identity.imageDigest;
  return {
    id: identity.id,
    scope: identity.scope,
    service: identity.service,
    revision: identity.revision,
    ordinal: identity.ordinal,
    release: identity.release,
    state,
    oomKilled: State.OOMKilled,
    restarts: container.RestartCount,
    portMap: {},
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(exitedAt === undefined ? {} : { exitedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(host === undefined ? {} : { host }),
    ...(imageDigest === undefined ? {} : { imageDigest }),
  };
}

/** A container that waits for the engine's next restart attempt does not run, so it counts as exited. */
export function stateOf({ State }: Pick<ContainerInspect, "State">): ObservedReplica["state"] {
  if (State.Status === "created") return "created";
  return State.Running && !State.Restarting ? "running" : "exited";
}

/** Where the host reaches the container: the address in the network that its creation chose. */
export function hostOf(container: ContainerInspect): string | undefined {
  const reach = container.Config.Labels?.[label.reach];
  if (reach === undefined) return undefined;
  if (reach === "host") return "127.0.0.1";
  const endpoint = container.NetworkSettings.Networks?.[reach];
  const address = endpoint?.IPAddress || endpoint?.GlobalIPv6Address;
  return address === "" ? undefined : address;
}

/** Epoch ms; the engine writes year 1 for "never". */
export function timeOf(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) || time <= 0 ? undefined : time;
}
