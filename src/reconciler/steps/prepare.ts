import { isRouted } from "../../rollout/desired-of.ts";
import type { ResolvedImage } from "../../runtime/port.ts";
import type { Release } from "../../store/port.ts";
import { type Runners, serviceIn } from "./step-world.ts";

/** Pulls or builds, and learns what exactly will run. A release that ran before asks for its exact image. */
export const ensureImage: Runners["ensureImage"] = async (step, world) => {
  const { compose } = serviceIn(world, step.service);
  const known = world.plan.images[step.service];
  const request = {
    scope: world.scope,
    service: step.service,
    compose,
    ...(known ? { digest: known.digest } : {}),
  };
  const image = await world.parts.runtime.ensureImage(request, world.output, world.signal);
  return { kind: "image", ...image };
};

export const ensureResources: Runners["ensureResources"] = async (_step, world) => {
  const { stack } = world.plan;
  const services = stack.services
    .filter((service) => service.kind !== "static")
    .map((service) => ({
      service: service.name,
      addressing: isRouted(service) ? service.addressing : ("direct" as const),
      networks: Object.keys(service.compose.networks ?? { default: null }),
    }));
  const resources = { scope: world.scope, networks: stack.networks, volumes: stack.volumes, services };
  const addresses = await world.parts.runtime.ensureResources(resources, world.signal);
  await world.director.change(world.scope, (state) => ({ ...state, addresses }), world.signal);
  return undefined;
};

export const removeResources: Runners["removeResources"] = async (step, world) => {
  await world.parts.runtime.removeResources(world.scope, { volumes: step.volumes }, world.signal);
  return undefined;
};

export function imagesOf(release: Release): Record<string, ResolvedImage> {
  return { ...release.images };
}
