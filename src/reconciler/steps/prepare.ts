import { isRouted } from "../../rollout/desired-of.ts";
import type { Scope } from "../../rollout/ids.ts";
import type { ScopeResources } from "../../runtime/port.ts";
import type { ComposeService } from "../../stack/compose-model.ts";
import type { Stack } from "../../stack/stack.ts";
import type { ScopeState } from "../../store/port.ts";
import { noteBuilt } from "../image-book.ts";
import type { Shared } from "../scope-worker.ts";
import { contentOf } from "./replica-spec.ts";
import { type Runners, serviceIn } from "./step-world.ts";

/** Pulls or builds, and learns what exactly will run. A release that ran before asks for its exact image. */
export const ensureImage: Runners["ensureImage"] = async (step, world) => {
  const { compose } = serviceIn(world, step.service);
  const pinned = world.plan.pinnedImages?.[step.service];
  const known = world.plan.images[step.service] ?? pinned;
  const secrets = compose.build?.secrets ?? [];
  const buildSecrets = Object.fromEntries(
    secrets.map(({ source }) => [source, contentOf(world, "secret", source)]),
  );
  const request = {
    ...(secrets.length > 0 ? { buildSecrets } : {}),
    scope: world.scope,
    service: step.service,
    compose: pinned ? { ...compose, image: pinned.reference } : compose,
    ...(known ? { digest: known.digest } : {}),
  };
  const { runtime, store, clock } = world.parts;
  const image = await runtime.ensureImage(request, world.output, world.signal);
  if (compose.build !== undefined && known === undefined)
    noteBuilt(store, { digest: image.digest, compose, at: clock.now() });
  return { kind: "image", ...image };
};

export const ensureResources: Runners["ensureResources"] = async (_step, world) => {
  const resources = resourcesOf(world.scope, world.plan.stack);
  const addresses = await world.parts.runtime.ensureResources(resources, world.signal);
  await world.director.change(world.scope, (state) => ({ ...state, addresses }), world.signal);
  return undefined;
};

/** After a reboot the addresses of the current releases are put back before the edge is told to listen there. */
export async function restoreAddresses(
  { parts, book }: Shared,
  state: ScopeState,
  signal: AbortSignal,
): Promise<void> {
  if (!state.current) return;
  const addresses = await parts.runtime.ensureResources(
    resourcesOf(state.scope, book.stackWith(state.current, state.standIns)),
    signal,
  );
  parts.store.scopes.update(state.scope, (current) => ({ ...current, addresses }));
}

function resourcesOf(scope: Scope, stack: Stack): ScopeResources {
  const services = stack.services
    .filter((service) => service.kind !== "static")
    .map((service) => ({
      service: service.name,
      addressing: isRouted(service) ? service.addressing : ("direct" as const),
      networks: Object.keys(service.compose.networks ?? { default: null }),
      aliases: aliasesOf(service.compose),
    }));
  return { scope, networks: stack.networks, volumes: stack.volumes, services };
}

export const removeResources: Runners["removeResources"] = async (step, world) => {
  await world.parts.runtime.removeResources(world.scope, { volumes: step.volumes }, world.signal);
  return undefined;
};

/** Further names of a service, per network: its network aliases, and the container name that peers may know it by. */
function aliasesOf(compose: ComposeService): Record<string, string[]> {
  const own = compose.container_name === undefined ? [] : [compose.container_name];
  const networks = Object.entries(compose.networks ?? { default: null });
  return Object.fromEntries(networks.map(([key, network]) => [key, [...(network?.aliases ?? []), ...own]]));
}
