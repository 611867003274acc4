import { createHash } from "node:crypto";

/** An IPv4 network: its first address as a number, and the prefix length. */
export type Subnet = { base: number; prefix: number };

/** Reads `10.0.0.0/24`; `undefined` for anything else, IPv6 included. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = "", prefixText = "32"] = text.split("/");
  const value = parseAddress(address);
  const prefix = Number(prefixText);
  if (value === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > 32) return undefined;
  return { base: value - (value % 2 ** (32 - prefix)), prefix };
}

export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.some((part) => part > 255) ? undefined : parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress(subnet.base)}/${subnet.prefix}`;
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + 2 ** (32 - subnet.prefix);
}

function overlap(a: Subnet, b: Subnet): boolean {
  return contains(a, b.base) || contains(b, a.base);
}

/**
 * A free /24 of the pool for a network of this name: the same name tries the same ones first, so that re-created
 * networks usually keep their addresses. `undefined` when the pool is used up.
 */
export function chooseSubnet(name: string, pool: Subnet, taken: readonly Subnet[]): Subnet | undefined {
  const count = 2 ** (24 - pool.prefix);
  const start = hashOf(name) % count;
  for (let step = 0; step < count; step += 1) {
    const candidate = { base: pool.base + ((start + step) % count) * 256, prefix: 24 };
    if (!taken.some((other) => overlap(candidate, other))) return candidate;
  }
  return undefined;
}

/** The lower half of a subnet: containers live there, service addresses in the upper half. */
export function lowerHalf(subnet: Subnet): Subnet {
  return { base: subnet.base, prefix: subnet.prefix + 1 };
}

export type AddressRequest = {
  subnet: Subnet;
  /** Where the engine takes container addresses from. */
  containerRange: Subnet;
  /** Gateway and the like. */
  reserved: readonly number[];
  /** What was given out before, by service. */
  known: Readonly<Record<string, string>>;
  services: readonly string[];
};

/**
 * A host address for each service, outside the range of containers. Known ones stay; names that are gone keep theirs
 * as long as there is room. `undefined` when the subnet is too small.
 */
export function assignAddresses(request: AddressRequest): Record<string, string> | undefined {
  const free = (address: number) =>
    !contains(request.containerRange, address) && !request.reserved.includes(address);
  const kept = Object.entries(request.known).filter(([, text]) => {
    const address = parseAddress(text);
    return address !== undefined && contains(request.subnet, address) && free(address);
  });
  const assigned =
    assign(request, new Map(kept), free) ??
    assign(request, new Map(kept.filter(([name]) => request.services.includes(name))), free);
  return assigned === undefined ? undefined : Object.fromEntries(assigned);
}

/** Maps, not objects: `constructor` is a valid service name. */
function assign(
  request: AddressRequest,
  assigned: Map<string, string>,
  free: (address: number) => boolean,
): Map<string, string> | undefined {
  const used = new Set(assigned.values());
  const size = 2 ** (32 - request.subnet.prefix);
  // Large subnets have room enough at their upper end; looking further would only cost time.
  const span = Math.min(Math.floor(size / 2), 4096);
  const first = request.subnet.base + size - span;
  for (const service of [...request.services].sort()) {
    if (assigned.has(service)) continue;
    const start = hashOf(service) % span;
    let found: string | undefined;
    for (let step = 0; step < span && found === undefined; step += 1) {
      const address = first + ((start + step) % span);
      // The last address of a subnet is its broadcast address.
      if (address === request.subnet.base + size - 1) continue;
      const text = formatAddress(address);
      if (free(address) && !used.has(text)) found = text;
    }
    if (found === undefined) return undefined;
    assigned.set(service, found);
    used.add(found);
  }
  return assigned;
}

function hashOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0);
}
