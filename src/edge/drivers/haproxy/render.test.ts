import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backend, route } from "../../conformance-support.ts";
import type { EdgeConfig } from "../../port.ts";
import { noCounts } from "./counts.ts";
import { layoutOf } from "./layout.ts";
import { reloadFingerprint, renderConfig } from "./render-config.ts";
import { mapText, renderMaps, routeKey } from "./render-maps.ts";
import { emptyTruth, nextTruth, scaleWeights, type Truth } from "./truth.ts";

const options = {
  layout: layoutOf("/var/lib/roadstead"),
  maxConnections: 20_000,
  privileged: true,
  account: { name: "haproxy", user: 102, group: 105 },
};
const size = { pools: 2, slots: 3 };

const config: EdgeConfig = {
  http: { host: "0.0.0.0", port: 80 },
  https: { host: "0.0.0.0", port: 443 },
  routes: [
    route("shop.example.com", "/", "web", { requireTls: true, compress: true }),
    route("shop.example.com", "/api", "web", {
      stripPath: true,
      bodyLimitBytes: 10_485_760,
      rateLimit: { requestsPerSecond: 50, burst: 100 },
    }),
    route("*.example.com", "/", "", {
      action: { kind: "redirect", to: "https://shop.example.com/", status: 301 },
    }),
    route("*", "/", "", {
      action: { kind: "answer", status: 503, title: "Stopped <now>", detail: "By hand." },
    }),
    route("files.example.com", "/", "", { action: { kind: "files", root: "/srv/site", spa: true } }),
  ],
  backends: [
    backend(
      "web",
      [
        { id: "a", port: 3001, weight: 90 },
        { id: "b", port: 3002, weight: 10 },
      ],
      { sticky: true },
    ),
  ],
  internal: [{ host: "10.20.0.1", port: 5432, protocol: "tcp", backend: "web", allow: ["10.20.0.0/16"] }],
  certificates: [{ hosts: ["shop.example.com"], certificate: "CERT", key: "SECRET" }],
  trustedProxies: ["192.0.2.0/24"],
};

function next(
  current: Truth,
  changed: EdgeConfig,
  version = current.version + 1,
  ended: string[] = [],
): Truth {
  const input = { version, config: changed, now: 1_000, addresses: new Map(), counts: new Map() };
  return nextTruth(current, { ...input, ended: new Set(ended) });
}

function withTargets(...targets: { id: string; port: number; weight?: number }[]): EdgeConfig {
  return { ...config, backends: [backend("web", targets, { sticky: true })] };
}

/** Compares with the file beside; UPDATE_GOLDEN=1 writes it anew, to be reviewed as a diff. */
function expectGolden(name: string, text: string): void {
  const file = join(import.meta.dirname, "golden", name);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

describe("HAProxy rendering", () => {
  it("renders the whole configuration", () => {
    expectGolden("haproxy.cfg", renderConfig(next(emptyTruth(size), config), options));
  });

  it("renders the maps", () => {
    const maps = renderMaps(next(emptyTruth(size), config));
    expectGolden(
      "maps.txt",
      Object.entries(maps)
        .map(([name, entries]) => `# ${name}\n${mapText(entries)}`)
        .join(""),
    );
  });

  it("keeps private keys out of the truth", () => {
    expect(JSON.stringify(next(emptyTruth(size), config))).not.toContain("SECRET");
  });

  it.each<[string, EdgeConfig]>([
    ["weights", withTargets({ id: "a", port: 3001, weight: 0 }, { id: "b", port: 3002, weight: 100 })],
    ["targets", withTargets({ id: "c", port: 3003 })],
    [
      "routes",
      { ...config, routes: [route("new.example.com", "/", "web", { compress: true, bodyLimitBytes: 1 })] },
    ],
    ["holds", { ...config, backends: [backend("web", [], { hold: true })] }],
    [
      "a second service",
      { ...config, backends: [...config.backends, backend("api", [{ id: "x", port: 1 }])] },
    ],
    ["trusted ranges", { ...config, trustedProxies: [] }],
    ["certificates", { ...config, certificates: [{ hosts: ["x.test"], certificate: "C2", key: "K2" }] }],
  ])("R-038 needs no reload for %s", (_what, changed) => {
    const before = next(emptyTruth(size), config);
    expect(reloadFingerprint(next(before, changed), options)).toBe(reloadFingerprint(before, options));
  });

  it.each<[string, EdgeConfig]>([
    ["a listener", { ...config, http: { host: "0.0.0.0", port: 8080 } }],
    ["an internal listener", { ...config, internal: [] }],
    ["more pools", { ...config, backends: ["web", "b", "c"].map((id) => backend(id, [])) }],
    ["more slots", withTargets(...["a", "b", "c", "d"].map((id, at) => ({ id, port: 3000 + at })))],
  ])("needs a reload for %s", (_what, changed) => {
    const before = next(emptyTruth(size), config);
    expect(reloadFingerprint(next(before, changed), options)).not.toBe(reloadFingerprint(before, options));
  });
});

describe("pools and slots", () => {
  const slotsOf = (truth: Truth) =>
    truth.pools[0]?.slots.map(({ index, target, weight, retired }) => [index, target, weight, retired]);

  it("keeps a target in its slot, retires the one that left, and frees it once its connections ended", () => {
    const first = next(emptyTruth(size), config);
    const second = next(first, withTargets({ id: "b", port: 3002 }, { id: "c", port: 3003 }));
    expect(slotsOf(second)).toEqual([
      [1, "a", 0, true],
      [2, "b", 100, false],
      [3, "c", 100, false],
    ]);
    const third = next(second, withTargets({ id: "d", port: 3004 }), 3, ["1/1"]);
    expect(slotsOf(third)).toEqual([
      [1, "d", 100, false],
      [2, "b", 0, true],
      [3, "c", 0, true],
    ]);
  });

  it("brings a retired target back to its own slot: a roll back reuses what is warm", () => {
    const gone = next(next(emptyTruth(size), config), withTargets({ id: "b", port: 3002 }));
    expect(slotsOf(next(gone, config))).toEqual([
      [1, "a", 90, false],
      [2, "b", 10, false],
    ]);
  });

  it("starts a new occupant's counts at what the slot had counted before", () => {
    const counted = { ...noCounts, status2xx: 7 };
    const input = { version: 1, config, now: 5, addresses: new Map(), ended: new Set<string>() };
    const truth = nextTruth(emptyTruth(size), { ...input, counts: new Map([["1/1", counted]]) });
    expect(truth.pools[0]?.slots[0]).toMatchObject({ since: 5, base: counted, carried: noCounts });
  });

  it.each([
    [
      [100, 0],
      [100, 0],
    ],
    [
      [90, 10],
      [90, 10],
    ],
    [
      [1000, 1],
      [256, 1],
    ],
    [
      [0.9, 0.1],
      [256, 28],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ])("scales weights %j to %j", (weights, scaled) => {
    expect(scaleWeights(weights)).toEqual(scaled);
  });

  it("R-028 ends route keys at a slash", () => {
    expect(["/", "/api", "/api/"].map((path) => routeKey({ host: "a.test", path }))).toEqual([
      "a.test/",
      "a.test/api/",
      "a.test/api/",
    ]);
  });
});
