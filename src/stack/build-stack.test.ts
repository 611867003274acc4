import { describe, expect, it } from "vitest";
import { type BuildOptions, buildStack } from "./build-stack.ts";
import type { ComposeModel } from "./compose-model.ts";
import type { Service } from "./stack.ts";
import { aLocate, aModel, summarise } from "./stack-support.ts";

function build(model: ComposeModel, options: Partial<BuildOptions> = {}) {
  return buildStack(model, {
    environment: "production",
    locate: aLocate,
    projectDirectory: "/srv/shop",
    ...options,
  });
}

function one(service: Record<string, unknown>, more: Record<string, unknown> = {}): Service {
  const { stack, problems } = build(aModel({ app: service }, more));
  const found = stack?.services[0];
  if (!found) throw new Error(problems.map((problem) => problem.message).join("; "));
  return found;
}

function codes(model: ComposeModel, options: Partial<BuildOptions> = {}): string[] {
  return build(model, options).problems.map(({ code, path }) => `${code} ${path}`);
}

const x = (settings: unknown) => ({ "x-roadstead": settings });

describe("kind", () => {
  it.each([
    ["database", { image: "postgres:16" }],
    ["database", { image: "docker.io/library/redis:7-alpine@sha256:00" }],
    ["database", { image: "my/own-store", healthcheck: { test: ["CMD-SHELL", "pg_isready -U x"] } }],
    ["web", { image: "app", ports: [{ target: 3000, published: "8080" }] }],
    ["web", { image: "app", expose: ["3000"] }],
    ["web", { image: "app", environment: { PORT: "3000" } }],
    ["web", { image: "app", healthcheck: { test: ["CMD", "curl", "-f", "http://localhost:3000/"] } }],
    ["web", { image: "nginx:alpine" }],
    ["web", { image: "postgres:16", ...x({ routes: ["a.example.com"], health: { port: 80 } }) }],
    ["worker", { image: "app" }],
    ["worker", { image: "app", ports: [{ target: 53, published: "53", protocol: "udp" }] }],
    ["worker", { image: "app", expose: ["2222"] }],
    ["static", { image: "app", ...x({ site: { root: "dist" } }) }],
    ["job", { image: "app", deploy: { mode: "replicated-job" } }],
    ["job", { image: "postgres:16", ...x({ kind: "job" }) }],
  ])("%s: %j", (kind, service) => {
    expect(one(service).kind).toBe(kind);
  });

  it("takes a service that others wait for to end as a job", () => {
    const { stack } = build(
      aModel({
        migrate: { image: "app", restart: "no" },
        api: {
          image: "app",
          expose: ["3000"],
          depends_on: { migrate: { condition: "service_completed_successfully" } },
        },
      }),
    );
    expect(stack?.services.map(({ kind }) => kind)).toEqual(["job", "web"]);
    expect(stack?.services[1]?.dependsOn).toEqual([
      { service: "migrate", condition: "completed", required: true },
    ]);
  });

  it("accepts a worker without ports and refuses a route at it (R-012)", () => {
    expect(codes(aModel({ bot: { image: "bot:1" } }))).toEqual([]);
    expect(codes(aModel({ bot: { image: "bot:1", ...x({ kind: "worker", routes: ["a.b"] }) } }))).toEqual([
      "ROUTE_WITHOUT_WEB services.bot.x-roadstead.routes",
    ]);
  });
});

describe("strategy", () => {
  const web = { image: "app", expose: ["3000"] };
  it.each([
    ["blue-green", web],
    ["blue-green", { ...web, volumes: [{ type: "bind", source: "/etc/x", target: "/x", read_only: true }] }],
    [
      "blue-green",
      { ...web, volumes: [{ type: "bind", source: "/etc/localtime", target: "/etc/localtime" }] },
    ],
    ["blue-green", { ...web, volumes: [{ type: "volume", target: "/cache" }] }],
    ["recreate", { ...web, volumes: [{ type: "volume", source: "data", target: "/data" }] }],
    ["recreate", { ...web, ports: [{ target: 53, published: "53", protocol: "udp" }] }],
    ["recreate", { ...web, network_mode: "host" }],
    ["recreate", { image: "redis:7" }],
    ["recreate", { ...web, deploy: { update_config: { order: "stop-first" } } }],
    ["rolling", { ...web, deploy: { replicas: 3, update_config: { order: "start-first" } } }],
    ["singleton", { image: "bot", environment: { DISCORD_TOKEN: "x" } }],
    ["singleton", { image: "bot", ...x({ strategy: "singleton" }) }],
    ["canary", { ...web, ...x({ canary: { minRequests: 5 } }) }],
    [
      "blue-green",
      { ...web, ...x({ strategy: "blue-green" }), volumes: [{ type: "volume", source: "d", target: "/d" }] },
    ],
  ])("%s: %j", (strategy, service) => {
    expect(one(service, { volumes: { data: { name: "d" }, d: { name: "d" } } }).strategy).toBe(strategy);
  });

  it("fills in the canary's limits", () => {
    expect(one({ ...web, ...x({ strategy: "canary", canary: { maxP95: "500ms" } }) }).canary).toEqual({
      steps: [{ weight: 10, forSeconds: 600 }],
      maxErrorRate: 0.01,
      maxP95Seconds: 0.5,
      minRequests: 100,
    });
  });

  it("has the documented defaults", () => {
    expect(one(web)).toMatchObject({
      replicas: 1,
      keepWarmSeconds: 3600,
      drainSeconds: 30,
      readyTimeoutSeconds: 120,
      stopGraceSeconds: 10,
      holdSeconds: 30,
      sticky: false,
      smoke: [],
    });
    expect(one({ image: "redis:7", stop_grace_period: "1m30s" })).toMatchObject({
      keepWarmSeconds: 0,
      stopGraceSeconds: 90,
    });
  });

  it.each([
    [
      "STRATEGY_NEEDS_PORT_TWICE services.app.x-roadstead.strategy",
      { ports: [{ target: 53, published: "53", protocol: "udp" }], ...x({ strategy: "rolling" }) },
    ],
    [
      "STRATEGY_SHARES_DATA services.app.x-roadstead.strategy",
      {
        image: "postgres:16",
        volumes: [{ type: "volume", source: "d", target: "/d" }],
        ...x({ strategy: "blue-green", health: { tcp: true } }),
      },
    ],
    [
      "SINGLETON_REPLICAS services.app.x-roadstead.strategy",
      { deploy: { replicas: 2 }, ...x({ strategy: "singleton" }) },
    ],
    ["CANARY_WITHOUT_TRAFFIC services.app.x-roadstead.strategy", x({ strategy: "canary", kind: "worker" })],
    [
      "REPLICAS_SHARE_PORT services.app.ports",
      {
        image: "redis:7",
        scale: 2,
        ports: [{ target: 6379, published: "6379" }],
        ...x({ health: { tcp: true } }),
      },
    ],
  ])("refuses with %s", (code, service) => {
    expect(codes(aModel({ app: { image: "app", ...service } }))).toEqual([code]);
  });
});

describe("ports", () => {
  it("puts the main port first: route, PORT, ports, expose", () => {
    const service = {
      image: "app",
      environment: { PORT: "4000" },
      ports: [{ target: 9229, published: "9229" }],
      expose: ["5000", "7000-7001"],
      ...x({ routes: [{ host: "a.b", port: 3000 }] }),
    };
    expect(one(service).ports.map(({ port }) => port)).toEqual([3000, 4000, 9229, 5000, 7000, 7001]);
  });

  it("lets the edge serve published ports of stateless services, on loopback unless the file says otherwise (R-113)", () => {
    const ports = [
      { target: 80, published: "8080" },
      { target: 2222, published: "2222", host_ip: "0.0.0.0" },
    ];
    expect(summarise(build(aModel({ app: { image: "app", ports } })).stack)["app"]).toBe(
      "web | blue-green x1 | proxied | 80/http<-127.0.0.1:8080 by edge 2222/tcp<-0.0.0.0:2222 by edge | tcp 80 | app.shop.localhost/->80",
    );
  });

  it("lets the runtime bind databases, datagrams and raw TCP of stateful services", () => {
    const volumes = [{ type: "volume", source: "d", target: "/d" }];
    const { stack } = build(
      aModel({
        db: { image: "postgres:16", ports: [{ target: 5432, published: "5432" }], volumes },
        dns: { image: "dns:1", ports: [{ target: 53, published: "53", protocol: "udp" }] },
        git: {
          image: "forge:1",
          ports: [
            { target: 22, published: "2222" },
            { target: 3000, published: "3000" },
          ],
          volumes,
        },
      }),
    );
    expect(
      stack?.services.map(({ ports, strategy }) => [
        strategy,
        ...ports.map(({ published }) => published?.by),
      ]),
    ).toEqual([
      ["recreate", "runtime"],
      ["recreate", "runtime"],
      ["recreate", "edge", "runtime"],
    ]);
  });

  it("counts ports that peers name in their variables", () => {
    const { stack } = build(
      aModel({
        web: { image: "web", expose: ["80"], environment: { API: "http://api:3000/v1", Q: "queue:9000" } },
        api: { image: "api" },
        queue: { image: "queue", ...x({ kind: "worker" }) },
      }),
    );
    expect(stack?.services.map(({ kind, ports }) => [kind, ports])).toEqual([
      ["web", [{ port: 80, protocol: "http" }]],
      ["web", [{ port: 3000, protocol: "http" }]],
      ["worker", [{ port: 9000, protocol: "tcp" }]],
    ]);
  });

  it("honours app_protocol", () => {
    const ports = [
      { target: 9000, app_protocol: "grpc" },
      { target: 8443, app_protocol: "http" },
    ];
    expect(one({ image: "app", ports }).ports).toEqual([
      { port: 8443, protocol: "http" },
      { port: 9000, protocol: "tcp" },
    ]);
  });

  it.each([
    ["an SMTP port beside an HTTP one", { expose: ["8080", "2525"] }, ["8080/http", "2525/tcp"]],
    ["a port of nobody's before a usual one", { expose: ["4567", "8080"] }, ["4567/http", "8080/http"]],
    ["the only port", { expose: ["4567"] }, ["4567/http"]],
    ["the port of PORT", { environment: { PORT: "4567" }, expose: ["2525"] }, ["4567/http", "2525/tcp"]],
    ["two usual ports", { ports: [{ target: 3000 }, { target: 8080 }] }, ["3000/http", "8080/http"]],
    [
      "a port that a route names",
      { expose: ["8080", "4567"], ...x({ routes: [{ host: "a.b", port: 4567 }] }) },
      ["4567/http", "8080/http"],
    ],
  ])("presumes HTTP of the main port and of usual ones only: %s", (_what, service, expected) => {
    const { ports } = one({ image: "app", ...service });
    expect(ports.map(({ port, protocol }) => `${port}/${protocol}`)).toEqual(expected);
  });

  it("takes a further port for HTTP when a peer calls it so", () => {
    const peer = { image: "web", environment: { METRICS: "http://app:4567/metrics" } };
    const { stack } = build(aModel({ app: { image: "app", expose: ["8080", "4567", "2525"] }, peer }));
    expect(stack?.services[0]?.ports.map(({ protocol }) => protocol)).toEqual(["http", "http", "tcp"]);
  });

  it("uses the image's EXPOSE when nothing else is known", () => {
    const { stack } = build(aModel({ app: { build: { context: "/a" }, ...x({ kind: "web" }) } }), {
      exposedByImage: () => [3000],
    });
    expect(stack?.services[0]?.ports).toEqual([{ port: 3000, protocol: "http" }]);
  });

  it("asks for the port of a web service that has none", () => {
    expect(codes(aModel({ app: { image: "app", ...x({ routes: ["a.b"] }) } }))).toEqual([
      "PORT_UNKNOWN services.app.x-roadstead.routes[0]",
    ]);
  });

  it.each([
    ["proxied", { expose: ["3000"] }],
    ["direct", { expose: ["3000", "53/udp"] }],
    ["direct", { image: "redis:7" }],
    ["direct", { ...x({ kind: "worker" }) }],
    ["direct", { expose: ["3000"], network_mode: "host" }],
    ["proxied", { expose: ["3000"], volumes: [{ type: "volume", source: "d", target: "/d" }] }],
  ])("addressing %s: %j", (addressing, service) => {
    expect(one({ image: "app", ...service }).addressing).toBe(addressing);
  });
});

describe("routes", () => {
  const web = { image: "app", expose: ["3000"] };
  const hosts = (service: Record<string, unknown>, options: Partial<BuildOptions>, top?: unknown) =>
    build(
      aModel({ my_App: service }, top === undefined ? {} : x(top)),
      options,
    ).stack?.services[0]?.routes.map(({ host }) => host);

  it("gives a web service a host of its own in each environment (R-014)", () => {
    expect(hosts(web, {})).toEqual(["my-app.shop.localhost"]);
    expect(hosts(web, { environment: "staging" })).toEqual(["my-app.shop.staging.localhost"]);
    const seen = { image: "app", ports: [{ target: 80, published: "80" }] };
    expect(hosts(seen, {}, { domain: "example.com" })).toEqual(["my-app.example.com"]);
    expect(hosts(seen, { environment: "staging", domain: "example.com" })).toEqual([
      "my-app.staging.example.com",
    ]);
    expect(
      hosts(
        seen,
        { environment: "staging" },
        { domain: "a.com", environments: { staging: { domain: "b.com" } } },
      ),
    ).toEqual(["my-app.b.com"]);
  });

  it("keeps a service that only exposes a port off a real domain (R-113)", () => {
    expect(hosts(web, {}, { domain: "example.com" })).toEqual([]);
    expect(hosts({ ...web, ...x({ kind: "web" }) }, {}, { domain: "example.com" })).toEqual([
      "my-app.example.com",
    ]);
    expect(hosts({ ...web, ...x({ routes: [] }) }, {})).toEqual([]);
  });

  it("names both services that claim one route (R-036)", () => {
    const routes = x({ routes: ["example.com/api"] });
    const { stack, problems } = build(aModel({ a: { ...web, ...routes }, b: { ...web, ...routes } }));
    expect(stack).toBeUndefined();
    expect(problems.find(({ code }) => code === "ROUTE_TAKEN")).toMatchObject({
      severity: "error",
      path: "services.b.x-roadstead.routes[0]",
      message: "a and b both claim the route example.com/api",
    });
  });

  it("serves a site from the project directory", () => {
    const service = one({ image: "app", ...x({ site: { root: "./dist", spa: true } }) });
    expect(service).toMatchObject({
      kind: "static",
      site: { root: "/srv/shop/dist", spa: true },
      routes: [{ host: "app.shop.localhost", path: "/", port: 80 }],
    });
    expect(codes(aModel({ app: x({ kind: "static" }) }))).toEqual([
      "SITE_MISSING services.app.x-roadstead.kind",
    ]);
  });
});

describe("dependencies", () => {
  it("names the loop (R-015)", () => {
    const on = (name: string) => ({ image: "x", depends_on: { [name]: { condition: "service_started" } } });
    const { problems } = build(aModel({ a: on("b"), b: on("c"), c: on("b") }));
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ["DEPENDENCY_CYCLE", "services wait for each other: b -> c -> b"],
    ]);
  });

  it("maps the three conditions, links and required: false", () => {
    const { stack } = build(
      aModel({
        a: { image: "x" },
        b: { image: "x" },
        c: {
          image: "x",
          depends_on: {
            a: { condition: "service_healthy", required: false },
            gone: { condition: "service_started", required: false },
          },
          links: ["b:bee"],
        },
      }),
    );
    expect(stack?.services[2]?.dependsOn).toEqual([
      { service: "a", condition: "ready", required: false },
      { service: "b", condition: "started", required: true },
    ]);
  });
});

describe("environments", () => {
  it("overrides replicas and variables of one environment only", () => {
    const model = aModel(
      {
        app: { image: "app", expose: ["3000"], environment: { A: "1", B: "2" }, deploy: { replicas: 3 } },
        db: { image: "redis:7", ...x({ health: { tcp: true } }) },
      },
      x({
        environments: { staging: { replicas: 1, services: { app: { environment: { B: null, C: 3 } } } } },
      }),
    );
    const app = (environment: string) => build(model, { environment }).stack?.services[0];
    expect(app("staging")).toMatchObject({ replicas: 1, compose: { environment: { A: "1", C: "3" } } });
    expect(app("staging")?.compose.environment).not.toHaveProperty("B");
    expect(app("production")).toMatchObject({ replicas: 3, compose: { environment: { A: "1", B: "2" } } });
    expect(model.services["app"]?.environment).toEqual({ A: "1", B: "2" });
  });
});

describe("files", () => {
  it("lists granted secrets and configs with their source, never their content", () => {
    const { stack } = build(
      aModel(
        {
          app: {
            image: "a",
            secrets: [{ source: "a" }, { source: "b" }],
            configs: [{ source: "c" }, { source: "d" }],
          },
        },
        {
          secrets: { a: { file: "/s/a" }, b: { environment: "B" }, unused: { file: "/s/u" } },
          configs: { c: { content: "hello" }, d: { external: true } },
        },
      ),
    );
    expect(stack?.files).toEqual([
      { kind: "secret", name: "a", source: { from: "file", path: "/s/a" } },
      { kind: "secret", name: "b", source: { from: "environment", variable: "B" } },
      { kind: "config", name: "c", source: { from: "inline" } },
      { kind: "config", name: "d", source: { from: "external" } },
    ]);
  });
});
