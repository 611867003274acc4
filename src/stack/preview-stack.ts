import type { ComposeModel } from "./compose-model.ts";
import type { Tell } from "./facts.ts";
import { hostLabel } from "./resolve-routes.ts";
import type { Service } from "./stack.ts";

export type PreviewOf = { stack: string; environment: string; domain?: string };

/**
 * The same services beside production: every host is replaced by one of the preview's own, and no port of the machine
 * is taken. Services that share a host go on sharing one, so that paths and cookies work as they do in production.
 */
export function asPreview(services: readonly Service[], of: PreviewOf): Service[] {
  const hosts = previewHosts(services, of);
  return services.map((service) => ({
    ...service,
    routes: service.routes.map((route) => ({ ...route, host: hosts.get(route.host) ?? route.host })),
    ports: service.ports.map(({ published: _, ...port }) => port),
  }));
}

/** What a preview can't have for itself alone: it would share it with production. */
export function checkPreview(model: ComposeModel, tell: Tell): void {
  for (const [key, volume] of Object.entries(model.volumes)) {
    if (!volume.external) continue;
    tell("error", "PREVIEW_SHARES", {
      path: `volumes.${key}`,
      message: `the external volume ${volume.name} would be shared with other environments`,
      fix: "let the stack have a volume of its own, or leave it out of previews with a profile",
    });
  }
  for (const [name, service] of Object.entries(model.services)) {
    if (service.network_mode !== "host") continue;
    tell("error", "PREVIEW_SHARES", {
      path: `services.${name}.network_mode`,
      message: `${name} would share the machine's network with other environments`,
      fix: "give it the stack's network",
    });
  }
}

/** Host of the file -> `<service>.<environment>.<stack>.localhost`, or below the domain. */
function previewHosts(services: readonly Service[], of: PreviewOf): Map<string, string> {
  const environment = hostLabel(of.environment);
  const below = of.domain === undefined ? `${hostLabel(of.stack)}.localhost` : of.domain;
  const written = new Set(services.flatMap((service) => service.routes.map((route) => route.host)));
  const taken = new Set<string>();
  const hosts = new Map<string, string>();
  for (const host of written) {
    const name = hostLabel(ownerOf(services, host));
    let label = name;
    for (let number = 2; taken.has(label); number += 1) label = `${name}-${number}`;
    taken.add(label);
    hosts.set(host, `${host.startsWith("*.") ? "*." : ""}${label}.${environment}.${below}`);
  }
  return hosts;
}

/** Who answers at the root of a host gives it its name. */
function ownerOf(services: readonly Service[], host: string): string {
  const claims = services.flatMap((service) =>
    service.routes.filter((route) => route.host === host).map(({ path }) => ({ name: service.name, path })),
  );
  return (claims.find(({ path }) => path === "/") ?? claims[0])?.name ?? "x";
}
