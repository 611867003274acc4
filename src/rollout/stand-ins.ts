import type { ComposeMount, ComposeVolume } from "../stack/compose-model.ts";
import type { Service, Stack } from "../stack/stack.ts";

/**
 * Volumes that took the place of others, after a restore: key of a volume in the Compose file, or `<service>:<target>`
 * for a mount that has none, -> name of the volume that serves instead.
 */
export type StandIns = Readonly<Record<string, string>>;

/** The stack with its stand-ins in place. Keys stay as they are; nothing else changes. */
export function withStandIns(stack: Stack, standIns: StandIns = {}): Stack {
  if (Object.keys(standIns).length === 0) return stack;
  const volumes: Record<string, ComposeVolume> = { ...stack.volumes };
  for (const [key, name] of Object.entries(standIns)) {
    const before = stack.volumes[key];
    const { external: _external, ...kept } = before ?? { name };
    if (before || key.includes(":")) volumes[key] = { ...kept, name };
  }
  return { ...stack, volumes, services: stack.services.map((service) => inPlace(service, standIns)) };
}

/** Those that a service mounts: part of what its replicas are. */
export function standInsOf(service: Service, standIns: StandIns = {}): StandIns {
  const keys = (service.compose.volumes ?? []).flatMap(({ type, source }) =>
    type === "volume" && source !== undefined ? [source] : [],
  );
  const own = Object.entries(standIns).filter(
    ([key]) => keys.includes(key) || key.startsWith(`${service.name}:`),
  );
  return Object.fromEntries(own);
}

function inPlace(service: Service, standIns: StandIns): Service {
  const own = Object.keys(standIns).filter((key) => key.startsWith(`${service.name}:`));
  if (own.length === 0) return service;
  const replaced = own.map((key): ComposeMount => {
    const target = key.slice(service.name.length + 1);
    return { type: "volume", source: key, target };
  });
  const targets = new Set(replaced.map(({ target }) => target));
  const others = (service.compose.volumes ?? []).filter(({ target }) => !targets.has(target));
  return { ...service, compose: { ...service.compose, volumes: [...others, ...replaced] } };
}
