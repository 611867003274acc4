import { describe, expect, it } from "vitest";
import type { Service, Stack } from "../stack/stack.ts";
import { desiredOf } from "./desired-of.ts";
import type { ReleaseId } from "./ids.ts";
import { standInsOf, withStandIns } from "./stand-ins.ts";

const service = (name: string, volumes: Service["compose"]["volumes"] = []): Service =>
  ({
    name,
    kind: "database",
    replicas: 1,
    routes: [],
    ports: [],
    smoke: [],
    compose: { image: "postgres:16", volumes },
  }) as Partial<Service> as Service;

const stack: Stack = {
  name: "shop",
  environment: "production",
  services: [
    service("db", [{ type: "volume", source: "data", target: "/var/lib/postgresql/data" }]),
    service("cache", [{ type: "bind", source: "/srv/cache", target: "/data" }]),
    service("web"),
  ],
  networks: {},
  volumes: { data: { name: "old", external: true } },
  files: [],
};

describe("volumes that took the place of others (R-142)", () => {
  it("keeps the key, and is ours even where the old one was external", () => {
    const changed = withStandIns(stack, { data: "shop_data.r1" });
    expect(changed.volumes).toEqual({ data: { name: "shop_data.r1" } });
    expect(changed.services).toEqual(stack.services);
  });

  it("takes the place of a host folder and of a mount that nobody named", () => {
    const changed = withStandIns(stack, { "cache:/data": "c.r1", "db:/more": "d.r1" });
    expect(changed.services[1]?.compose.volumes).toEqual([
      { type: "volume", source: "cache:/data", target: "/data" },
    ]);
    expect(changed.services[0]?.compose.volumes?.map(({ target }) => target)).toEqual([
      "/var/lib/postgresql/data",
      "/more",
    ]);
    expect(changed.volumes["cache:/data"]).toEqual({ name: "c.r1" });
  });

  it("makes other replicas of the services that mount them, and of no others", () => {
    const revisions = (standIns: Record<string, string>) =>
      desiredOf({
        release: "rel_1" as ReleaseId,
        stack: withStandIns(stack, standIns),
        images: {},
        fileVersions: {},
        scale: {},
        stopped: [],
        restarts: {},
        standIns,
      }).services.map(({ revision }) => revision);
    const [before, after] = [revisions({}), revisions({ data: "shop_data.r1" })];
    expect(after[0]).not.toBe(before[0]);
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(standInsOf(service("web"), { data: "x" })).toEqual({});
  });
});
