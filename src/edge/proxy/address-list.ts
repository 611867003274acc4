import { BlockList, isIPv6 } from "node:net";
import { parseRange } from "./check-config.ts";

/** A set of address ranges with a bounded memory of past answers, so that a busy peer is looked up once. */
export class AddressList {
  readonly #list = new BlockList();
  readonly #known = new Map<string, boolean>();
  readonly empty: boolean;

  constructor(ranges: readonly string[]) {
    this.empty = ranges.length === 0;
    for (const text of ranges) {
      const range = parseRange(text);
      if (range) this.#list.addSubnet(range.address, range.prefix, range.family);
    }
  }

  has(address: string): boolean {
    if (this.empty) return false;
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const found = this.#list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
    if (this.#known.size >= 10_000) this.#known.clear();
    this.#known.set(address, found);
    return found;
  }
}

/** A socket's peer without the IPv4-in-IPv6 wrapping that a dual-stack listener shows. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
