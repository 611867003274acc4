import { mapLimited } from "../../../lib/limit.ts";
import type { Scope } from "../../../rollout/ids.ts";
import type { ComposeVolume } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";
import type { ScopeResources, ServiceAddress } from "../../port.ts";
import { refusedWith } from "./client.ts";
import type { NetworkInspect, VolumeInspect } from "./engine-types.ts";
import type { DockerHost } from "./host.ts";
import {
  addHostAddresses,
  bridgeName,
  readAddressBook,
  removeAddressBook,
  writeAddressBook,
} from "./host-addresses.ts";
import { label, scopeFilter, scopeLabels } from "./labels.ts";
import { defined } from "./limits.ts";
import { engineName } from "./mounts.ts";
import { ensureNetwork } from "./networks.ts";
import { missingExternal, named, resourceError } from "./resource-errors.ts";
import { assignAddresses, formatSubnet, parseAddress, parseSubnet } from "./subnets.ts";

/** Creates missing volumes and networks, then gives each proxied service its address in each of its own networks. */
export async function ensureResources(
  host: DockerHost,
  resources: ScopeResources,
  signal: AbortSignal,
): Promise<ServiceAddress[]> {
  const { scope } = resources;
  await mapLimited(Object.entries(resources.volumes), 4, ([key, volume]) =>
    ensureVolume(host, { scope, key, volume }, signal),
  );
  const addresses: ServiceAddress[] = [];
  for (const [key, network] of Object.entries(resources.networks)) {
    const inspected = await ensureNetwork(host, { scope, key, network }, signal);
    // Only bridge networks of our own have room for addresses that no container will ever get.
    if (network.external || inspected.Driver !== "bridge") continue;
    const services = resources.services.filter(
      (service) => service.addressing === "proxied" && service.networks.includes(key),
    );
    const assigned = await ensureAddresses(
      host,
      inspected,
      services.map((service) => service.service),
      signal,
    );
    for (const { service, aliases } of services) {
      const names = aliases?.[key] ?? [];
      addresses.push({
        service,
        host: assigned.addresses[service] ?? "",
        network: key,
        allow: [assigned.subnet],
        ...(names.length === 0 ? {} : { aliases: names }),
      });
    }
  }
  return addresses;
}

async function ensureVolume(
  host: DockerHost,
  wanted: { scope: Scope; key: string; volume: ComposeVolume },
  signal: AbortSignal,
): Promise<void> {
  const name = engineName(wanted.scope, wanted.volume);
  try {
    await host.client.json<VolumeInspect>({
      method: "GET",
      path: `/volumes/${encodeURIComponent(name)}`,
      signal,
    });
    return;
  } catch (error) {
    if (!refusedWith(error, 404)) throw error;
  }
  if (wanted.volume.external) throw missingExternal("volume", name);
  const body = {
    Name: name,
    ...defined({ Driver: wanted.volume.driver, DriverOpts: wanted.volume.driver_opts }),
    Labels: {
      ...wanted.volume.labels,
      ...scopeLabels(host.owner, wanted.scope),
      [label.key]: wanted.key,
    },
  };
  await named(`cannot create volume ${name}`, () =>
    host.client.send({ method: "POST", path: "/volumes/create", body, signal }),
  );
}

async function ensureAddresses(
  host: DockerHost,
  network: NetworkInspect,
  services: readonly string[],
  signal: AbortSignal,
): Promise<{ subnet: string; addresses: Record<string, string> }> {
  const config = (network.IPAM.Config ?? []).find(({ Subnet }) => parseSubnet(Subnet ?? "") !== undefined);
  const subnet = parseSubnet(config?.Subnet ?? "");
  if (subnet === undefined || services.length === 0) return { subnet: config?.Subnet ?? "", addresses: {} };
  const range = parseSubnet(config?.IPRange ?? "");
  const book = await readAddressBook(host.filesDirectory, network.Name);
  const text = formatSubnet(subnet);
  const addresses =
    range === undefined
      ? undefined
      : assignAddresses({
          subnet,
          containerRange: range,
          reserved: [parseAddress(config?.Gateway ?? "") ?? -1],
          known: book?.subnet === text ? book.addresses : {},
          services,
        });
  if (addresses === undefined) {
    throw runtimeError(
      "RUNTIME_RESOURCE_FAILED",
      `network ${network.Name} (${text}) has no room for the addresses of ${services.join(", ")}`,
      { hint: "Give the network a larger `ipam` subnet, with an `ip_range` that leaves half of it free." },
    );
  }
  await writeAddressBook(host.filesDirectory, network.Name, { subnet: text, addresses });
  await addHostAddresses(bridgeName(network), Object.values(addresses), signal);
  return { subnet: text, addresses };
}

/** After an engine or host restart bridges come back without our addresses: puts them back, from the address books. */
export async function restoreAddresses(host: DockerHost, signal: AbortSignal): Promise<void> {
  for (const network of await ownNetworks(host, "all", signal)) {
    const book = await readAddressBook(host.filesDirectory, network.Name);
    if (book === undefined || network.Driver !== "bridge") continue;
    await addHostAddresses(bridgeName(network), Object.values(book.addresses), signal);
  }
}

async function ownNetworks(
  host: DockerHost,
  scope: Scope | "all",
  signal: AbortSignal,
): Promise<NetworkInspect[]> {
  const filters = scopeFilter(host.owner, scope);
  return await host.client.json({ method: "GET", path: "/networks", query: { filters }, signal });
}

/** Removes what carries the scope's labels: left-over job containers, networks and, if asked, volumes. */
export async function removeResources(
  host: DockerHost,
  scope: Scope,
  options: { volumes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const jobs = await host.containers(scope, signal, [label.job]);
  await mapLimited(jobs, 4, (job) => host.removeContainer(job.Id, signal));
  for (const network of await ownNetworks(host, scope, signal)) {
    await remove(host, `network ${network.Name}`, `/networks/${network.Id}`, signal);
    await removeAddressBook(host.filesDirectory, network.Name);
  }
  if (!options.volumes) return;
  const filters = scopeFilter(host.owner, scope);
  const found = await host.client.json<{ Volumes: VolumeInspect[] | null }>({
    method: "GET",
    path: "/volumes",
    query: { filters },
    signal,
  });
  for (const volume of found.Volumes ?? []) {
    await remove(host, `volume ${volume.Name}`, `/volumes/${encodeURIComponent(volume.Name)}`, signal);
  }
}

async function remove(host: DockerHost, what: string, path: string, signal: AbortSignal): Promise<void> {
  try {
    await host.client.send({ method: "DELETE", path, signal });
  } catch (error) {
    if (!refusedWith(error, 404)) throw resourceError(`cannot remove ${what}`, error);
  }
}
