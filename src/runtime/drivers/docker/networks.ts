import type { Scope } from "../../../rollout/ids.ts";
import type { ComposeNetwork } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";
import { compareVersions } from "./client.ts";
import type { NetworkInspect } from "./engine-types.ts";
import { type DockerHost, foreignError } from "./host.ts";
import { hostSubnets } from "./host-addresses.ts";
import { label, scopeLabels } from "./labels.ts";
import { defined } from "./limits.ts";
import { engineName } from "./mounts.ts";
import { missingExternal, resourceError } from "./resource-errors.ts";
import { chooseSubnet, formatSubnet, lowerHalf, parseSubnet, type Subnet } from "./subnets.ts";

/** Another program may take the chosen subnet in between; then the next free one is tried, at most this often. */
const subnetAttempts = 8;

export type WantedNetwork = { scope: Scope; key: string; network: ComposeNetwork };

/** The network of this key, created if it is missing. A foreign one of the same name is an error. */
export async function ensureNetwork(
  host: DockerHost,
  wanted: WantedNetwork,
  signal: AbortSignal,
): Promise<NetworkInspect> {
  const name = engineName(wanted.scope, wanted.network);
  const existing = await findNetwork(host, name, signal);
  if (existing !== undefined) {
    if (!wanted.network.external) checkOurs(host, existing, wanted);
    return existing;
  }
  if (wanted.network.external) throw missingExternal("network", name);
  await createNetwork(host, wanted, signal);
  const created = await findNetwork(host, name, signal);
  if (created === undefined) throw runtimeError("RUNTIME_RESOURCE_FAILED", `network ${name} vanished again`);
  return created;
}

async function findNetwork(
  host: DockerHost,
  name: string,
  signal: AbortSignal,
): Promise<NetworkInspect | undefined> {
  const filters = JSON.stringify({ name: [name] });
  const found = await host.client.json<NetworkInspect[]>({
    method: "GET",
    path: "/networks",
    query: { filters },
    signal,
  });
  return found.find((network) => network.Name === name);
}

function checkOurs(host: DockerHost, existing: NetworkInspect, wanted: WantedNetwork): void {
  const labels = existing.Labels ?? {};
  const ours = Object.entries(scopeLabels(host.owner, wanted.scope)).every(
    ([key, value]) => labels[key] === value,
  );
  if (!ours) {
    const other = labels[label.managedBy] === host.owner ? null : existing.Labels;
    throw foreignError("network", existing.Name, other);
  }
  const subnet = wanted.network.ipam?.config?.[0]?.subnet;
  const hasSubnet =
    subnet === undefined || (existing.IPAM.Config ?? []).some((config) => config.Subnet === subnet);
  if (existing.Internal !== (wanted.network.internal === true) || !hasSubnet) {
    throw runtimeError("RUNTIME_RESOURCE_FAILED", `network ${existing.Name} exists with other settings`, {
      hint: "`internal` and `ipam` of a network are fixed once it exists: run `roadstead down` first, then deploy again.",
    });
  }
}

async function createNetwork(host: DockerHost, wanted: WantedNetwork, signal: AbortSignal): Promise<void> {
  const name = engineName(wanted.scope, wanted.network);
  const refused: Subnet[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const ipam = await ipamOf(host, wanted, refused, signal);
    try {
      await host.client.send({
        method: "POST",
        path: "/networks/create",
        body: await networkBody(host, wanted, ipam.body, signal),
        signal,
      });
      return;
    } catch (error) {
      const overlaps = error instanceof Error && /overlaps/i.test(error.message);
      if (!overlaps || ipam.chosen === undefined || attempt >= subnetAttempts) {
        throw resourceError(`cannot create network ${name}`, error);
      }
      refused.push(ipam.chosen);
    }
  }
}

async function networkBody(
  host: DockerHost,
  { scope, key, network }: WantedNetwork,
  ipam: object,
  signal: AbortSignal,
): Promise<object> {
  const apiVersion = await host.client.version(signal);
  return {
    Name: engineName(scope, network),
    // Two networks of one name would make attachment by name ambiguous; newer engines always check.
    ...(compareVersions(apiVersion, "1.44") < 0 ? { CheckDuplicate: true } : {}),
    ...defined({
      Driver: network.driver,
      Options: network.driver_opts,
      Internal: network.internal,
      Attachable: network.attachable,
      EnableIPv6: network.enable_ipv6,
      EnableIPv4: compareVersions(apiVersion, "1.48") < 0 ? undefined : network.enable_ipv4,
    }),
    IPAM: ipam,
    Labels: { ...network.labels, ...scopeLabels(host.owner, scope), [label.key]: key },
  };
}

/** The address plan as written; for a bridge with containers in the lower half, unless a range is written. */
async function ipamOf(
  host: DockerHost,
  { scope, network }: WantedNetwork,
  refused: readonly Subnet[],
  signal: AbortSignal,
): Promise<{ body: object; chosen?: Subnet }> {
  const bridge = (network.driver ?? "bridge") === "bridge";
  const written = (network.ipam?.config ?? []).filter((config) => Object.keys(config).length > 0);
  const common = defined({ Driver: network.ipam?.driver, Options: network.ipam?.options });
  const config = written.map((entry) => {
    const subnet = entry.subnet === undefined ? undefined : parseSubnet(entry.subnet);
    const halved =
      bridge && subnet !== undefined && subnet.prefix <= 28 ? formatSubnet(lowerHalf(subnet)) : undefined;
    return defined({
      Subnet: entry.subnet,
      IPRange: entry.ip_range ?? halved,
      Gateway: entry.gateway,
      AuxiliaryAddresses: entry.aux_addresses,
    });
  });
  if (!bridge || config.some((entry) => parseSubnet(entry.Subnet ?? "") !== undefined)) {
    return { body: { ...common, Config: config } };
  }
  const taken = [...(await takenSubnets(host, signal)), ...refused];
  const chosen = chooseSubnet(engineName(scope, network), host.subnetPool, taken);
  if (chosen === undefined) {
    throw runtimeError(
      "RUNTIME_RESOURCE_FAILED",
      `no free subnet is left in ${formatSubnet(host.subnetPool)}`,
      {
        hint: "Remove unused networks with `docker network prune`, or give the control plane another pool.",
      },
    );
  }
  const own = { Subnet: formatSubnet(chosen), IPRange: formatSubnet(lowerHalf(chosen)) };
  return { body: { ...common, Config: [own, ...config] }, chosen };
}

async function takenSubnets(host: DockerHost, signal: AbortSignal): Promise<Subnet[]> {
  const networks = await host.client.json<NetworkInspect[]>({ method: "GET", path: "/networks", signal });
  const engine = networks.flatMap((network) =>
    (network.IPAM.Config ?? []).flatMap(({ Subnet }) => parseSubnet(Subnet ?? "") ?? []),
  );
  return [...engine, ...(await hostSubnets(signal))];
}
