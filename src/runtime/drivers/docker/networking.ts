import type { ComposeServiceNetwork } from "../../../stack/compose-model.ts";
import type { ReplicaSpec } from "../../port.ts";
import { compareVersions } from "./client.ts";
import type { EndpointConfig } from "./engine-types.ts";
import { defined } from "./limits.ts";
import { engineName } from "./mounts.ts";
import { unsupported } from "./unsupported.ts";

/** How a container is attached: the engine's network names in order, the first of them at creation. */
export type Attachment = {
  networkMode: string;
  endpoints: readonly { network: string; config: EndpointConfig }[];
  /** Network through which the host reaches it (`host`: the host itself); absent: it cannot. */
  reach?: string;
};

/**
 * Networks of a replica or job. A `direct` service answers to its name and aliases by the engine's own name
 * resolution. A `proxied` one must not: its peers get `extraHosts` with its stable address on the edge, so that no
 * request ever goes to a replica that is not routed. External networks have no such address (their subnet is not
 * ours to reserve in), so there every service keeps its plain name. A job answers to no name.
 */
export function attachmentOf(spec: ReplicaSpec, apiVersion: string, role: "replica" | "job"): Attachment {
  const mode = spec.compose.network_mode;
  if (mode === "host") return { networkMode: "host", endpoints: [], reach: "host" };
  if (mode === "none") return { networkMode: "none", endpoints: [] };
  if (mode !== undefined && mode !== "bridge") {
    return { networkMode: mode, endpoints: [], reach: mode };
  }
  const keys = mode === "bridge" ? [] : networkKeys(spec);
  const [first] = keys;
  if (first === undefined) return { networkMode: "bridge", endpoints: [], reach: "bridge" };
  const endpoints = keys.map((key) => {
    const network = spec.networks[key];
    if (network === undefined) {
      throw unsupported(spec.service, `networks.${key}`, "is not declared", "Declare it under `networks`.");
    }
    const named = role === "replica" && (spec.addressing === "direct" || network.external === true);
    const settings = spec.compose.networks?.[key] ?? {};
    return {
      network: engineName(spec.scope, network),
      config: endpointOf(spec, { key, settings, named, apiVersion }),
      reachable: (network.driver ?? "bridge") === "bridge",
      external: network.external === true,
    };
  });
  const reach =
    endpoints.find((endpoint) => endpoint.reachable && !endpoint.external) ??
    endpoints.find((endpoint) => endpoint.reachable);
  return {
    networkMode: endpoints[0]?.network ?? "bridge",
    endpoints: endpoints.map(({ network, config }) => ({ network, config })),
    ...(reach === undefined ? {} : { reach: reach.network }),
  };
}

/** Network keys of a service, highest `priority` first, otherwise as written; `default` when it names none. */
export function networkKeys(spec: Pick<ReplicaSpec, "compose" | "networks">): string[] {
  const written = spec.compose.networks;
  if (written === undefined || Object.keys(written).length === 0) {
    return spec.networks["default"] === undefined ? [] : ["default"];
  }
  return Object.entries(written)
    .map(([key, settings], index) => ({ key, index, priority: settings?.priority ?? 0 }))
    .sort((a, b) => b.priority - a.priority || a.index - b.index)
    .map(({ key }) => key);
}

function endpointOf(
  spec: ReplicaSpec,
  options: { key: string; settings: ComposeServiceNetwork; named: boolean; apiVersion: string },
): EndpointConfig {
  const { key, settings, named, apiVersion } = options;
  if (settings.interface_name !== undefined && compareVersions(apiVersion, "1.48") < 0) {
    throw unsupported(
      spec.service,
      `networks.${key}.interface_name`,
      "needs engine API 1.48",
      "Upgrade Docker.",
    );
  }
  if (settings.gw_priority !== undefined && compareVersions(apiVersion, "1.48") < 0) {
    throw unsupported(
      spec.service,
      `networks.${key}.gw_priority`,
      "needs engine API 1.48",
      "Upgrade Docker.",
    );
  }
  const addresses = defined({
    IPv4Address: settings.ipv4_address,
    IPv6Address: settings.ipv6_address,
    LinkLocalIPs: settings.link_local_ips,
  });
  const aliases = [
    ...new Set([
      spec.service,
      ...(spec.compose.container_name ? [spec.compose.container_name] : []),
      ...(settings.aliases ?? []),
    ]),
  ];
  return defined({
    Aliases: named ? aliases : undefined,
    IPAMConfig: Object.keys(addresses).length === 0 ? undefined : addresses,
    MacAddress: settings.mac_address,
    GwPriority: settings.gw_priority,
    DriverOpts:
      settings.driver_opts === undefined && settings.interface_name === undefined
        ? undefined
        : {
            ...settings.driver_opts,
            ...(settings.interface_name === undefined
              ? {}
              : { "com.docker.network.endpoint.ifname": settings.interface_name }),
          },
  });
}

/** `extra_hosts` as written, then each peer's stable address on a network that both share (all, on the host's network). */
export function extraHostsOf(spec: ReplicaSpec): string[] {
  const hosts = new Map<string, string[]>();
  for (const text of spec.compose.extra_hosts ?? []) {
    const [, name = "", address = ""] = /^([^=:]+)[=:](.*)$/.exec(text) ?? [];
    hosts.set(name, [...(hosts.get(name) ?? []), address]);
  }
  const written = new Set(hosts.keys());
  const mode = spec.compose.network_mode;
  const own = mode === undefined ? networkKeys(spec) : [];
  const rank = (network: string | undefined) => (network === undefined ? own.length : own.indexOf(network));
  const reachable = spec.addresses
    .filter(
      ({ network }) => spec.compose.network_mode === "host" || network === undefined || own.includes(network),
    )
    .sort((a, b) => rank(a.network) - rank(b.network));
  const links = linksOf(spec.compose.links ?? []);
  for (const address of reachable) {
    const names = [address.service, ...(address.aliases ?? []), ...(links.get(address.service) ?? [])];
    for (const name of names) if (!written.has(name) && !hosts.has(name)) hosts.set(name, [address.host]);
  }
  for (const [service, aliases] of links) {
    const missing = aliases.find((alias) => alias !== service && !hosts.has(alias));
    if (missing !== undefined) {
      throw unsupported(
        spec.service,
        "links",
        `cannot give ${service} the second name ${missing}`,
        `Write it under \`networks.<network>.aliases\` of ${service}.`,
      );
    }
  }
  return [...hosts].flatMap(([name, addresses]) => addresses.map((address) => `${name}:${address}`));
}

function linksOf(links: readonly string[]): Map<string, string[]> {
  const byService = new Map<string, string[]>();
  for (const link of links) {
    const [service = "", alias = service] = link.split(":");
    byService.set(service, [...(byService.get(service) ?? []), alias]);
  }
  return byService;
}
