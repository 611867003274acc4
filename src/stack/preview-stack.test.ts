import { describe, expect, it } from "vitest";
import { buildStack } from "./build-stack.ts";
import { isPreviewEnvironment } from "./preview-environment.ts";
import { aLocate, aModel } from "./stack-support.ts";

const shop = {
  front: {
    image: "front",
    ports: [{ target: 3000, published: "8080" }],
    "x-roadstead": { routes: ["shop.example.com", "www.example.com"] },
  },
  api: {
    image: "api",
    expose: ["4000"],
    "x-roadstead": { routes: [{ host: "shop.example.com", path: "/api", port: 4000 }, "*.api.example.com"] },
  },
  admin: { image: "admin", expose: ["5000"] },
  db: { image: "postgres:17", ports: [{ target: 5432, published: "5432", host_ip: "127.0.0.1" }] },
};

function build(environment: string, more: Record<string, unknown> = {}) {
  return buildStack(aModel(shop, more), { environment, locate: aLocate, projectDirectory: "/srv/shop" });
}

const hosts = (built: ReturnType<typeof build>) =>
  Object.fromEntries(
    built.draft.services.map(({ name, routes }) => [name, routes.map(({ host, path }) => `${host}${path}`)]),
  );

describe("the stack of a preview", () => {
  it("has hosts of its own; services that share one still do", () => {
    expect(hosts(build("pr-7"))).toEqual({
      front: ["front.pr-7.shop.localhost/", "front-2.pr-7.shop.localhost/"],
      api: ["front.pr-7.shop.localhost/api", "*.api.pr-7.shop.localhost/"],
      admin: ["admin.pr-7.shop.localhost/"],
      db: [],
    });
  });

  it("answers below the domain, and shares no host with another preview or production", () => {
    const domain = { "x-roadstead": { environments: { preview: { domain: "pr.example.com" } } } };
    const seven = hosts(build("pr-7", domain));
    expect(seven["front"]).toEqual(["front.pr-7.pr.example.com/", "front-2.pr-7.pr.example.com/"]);
    const all = ["pr-7", "pr-8", "preview-tea", "production"].map((name) =>
      Object.values(hosts(build(name))).flat(),
    );
    expect(new Set(all.flat()).size).toBe(all.flat().length);
  });

  it("takes no port of the machine", () => {
    const published = (environment: string) =>
      build(environment).draft.services.flatMap(({ ports }) => ports.flatMap((port) => port.published ?? []));
    expect(published("production").map(({ port }) => port)).toEqual([8080, 5432]);
    expect(published("pr-7")).toEqual([]);
  });

  it("has the settings of the environment `preview`", () => {
    const settings = {
      "x-roadstead": { environments: { preview: { services: { front: { drain: "1s" } } } } },
    };
    const drain = (environment: string) => build(environment, settings).draft.services[0]?.drainSeconds;
    expect(["pr-7", "preview-tea", "staging"].map(drain)).toEqual([1, 1, 30]);
  });

  it("is refused what it would share: external volumes and the machine's network", () => {
    const model = aModel(
      { bot: { image: "bot", network_mode: "host" }, db: { image: "postgres:17" } },
      { volumes: { data: { name: "data", external: true } } },
    );
    const codes = (environment: string) =>
      buildStack(model, { environment, locate: aLocate, projectDirectory: "/srv/shop" })
        .problems.filter(({ code }) => code === "PREVIEW_SHARES")
        .map(({ path }) => path);
    expect(codes("pr-7")).toEqual(["volumes.data", "services.bot.network_mode"]);
    expect(codes("staging")).toEqual([]);
  });

  it.each(["pr-1", "pr-99999", "preview-tea", "preview-1"])("%s is one", (name) => {
    expect(isPreviewEnvironment(name)).toBe(true);
  });
  it.each(["production", "preview", "pr-", "pr-x", "staging-pr-1", "preview-"])("%s is none", (name) => {
    expect(isPreviewEnvironment(name)).toBe(false);
  });
});
