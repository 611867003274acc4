import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assignAddresses,
  chooseSubnet,
  contains,
  formatAddress,
  formatSubnet,
  lowerHalf,
  parseAddress,
  parseSubnet,
  type Subnet,
} from "./subnets.ts";

function subnet(text: string): Subnet {
  const parsed = parseSubnet(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

describe("subnets", () => {
  it("reads and writes addresses and networks", () => {
    expect(formatSubnet(subnet("10.1.2.77/24"))).toBe("10.1.2.0/24");
    expect(formatAddress(parseAddress("255.255.255.255") ?? 0)).toBe("255.255.255.255");
    for (const text of ["", "10.0.0.0/33", "10.0.0.300/24", "fd00::/64", "1.2.3/8"])
      expect(parseSubnet(text)).toBeUndefined();
    expect(formatSubnet(lowerHalf(subnet("10.1.2.0/24")))).toBe("10.1.2.0/25");
  });

  it("chooses the same free subnet for the same name, and none when the pool is used up", () => {
    const pool = subnet("10.208.0.0/22");
    const first = chooseSubnet("shop_default", pool, []);
    expect(chooseSubnet("shop_default", pool, [])).toEqual(first);
    expect(chooseSubnet("shop_default", pool, first ? [first] : [])).not.toEqual(first);
    expect(chooseSubnet("shop_default", pool, [subnet("10.0.0.0/8")])).toBeUndefined();
  });
});

describe("service addresses (R-114)", () => {
  const net = subnet("10.208.1.0/24");
  const request = { subnet: net, containerRange: lowerHalf(net), reserved: [], known: {} };

  it("are distinct, outside the containers' range, and stay when services come and go", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 }),
        fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 }),
        (before, after) => {
          const known = assignAddresses({ ...request, services: before }) ?? {};
          const next = assignAddresses({ ...request, services: after, known }) ?? {};
          const all = Object.values(next);
          expect(new Set(all).size).toBe(all.length);
          for (const name of after) {
            const address = parseAddress(next[name] ?? "") ?? 0;
            expect(contains(net, address) && !contains(request.containerRange, address)).toBe(true);
            expect(address % 256).not.toBe(255);
            if (Object.hasOwn(known, name)) expect(next[name]).toBe(known[name]);
          }
        },
      ),
    );
  });

  it("serve services that are called like an object's own functions", () => {
    const names = ["constructor", "toString", "__proto__"];
    const assigned = assignAddresses({ ...request, services: names }) ?? {};
    expect(Object.keys(assigned).sort()).toEqual([...names].sort());
  });

  it("forget services that are gone only when room is needed, and give up when there is none", () => {
    const small = subnet("10.0.0.0/28");
    const tight = { subnet: small, containerRange: lowerHalf(small), reserved: [], known: {} };
    const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    const known = assignAddresses({ ...tight, services: names(7, "old") }) ?? {};
    expect(Object.keys(known)).toHaveLength(7);
    const next = assignAddresses({ ...tight, services: names(7, "new"), known });
    expect(Object.keys(next ?? {}).sort()).toEqual(names(7, "new"));
    expect(assignAddresses({ ...tight, services: names(8, "x") })).toBeUndefined();
  });

  it("keep clear of the gateway", () => {
    const reserved = Array.from({ length: 126 }, (_, i) => net.base + 128 + i);
    expect(assignAddresses({ ...request, reserved, services: ["web"] })).toEqual({ web: "10.208.1.254" });
  });
});
