import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildStack } from "./build-stack.ts";
import { diffStacks } from "./diff-stack.ts";
import { readDockerfile } from "./dockerfile.ts";
import { readHealthCommand } from "./health-command.ts";
import { lintStack } from "./lint/rules.ts";
import type { Service } from "./stack.ts";
import { aLocate, aModel } from "./stack-support.ts";

const port = fc.integer({ min: 1, max: 65_535 });
const name = fc.constantFrom("web", "api", "db", "a.b", "x_y", "__proto__", "constructor");
const word = fc.oneof(
  name,
  fc.string({ maxLength: 12 }),
  fc.constantFrom("http://api:3000/x", "redis://:@db:6379", "localhost:3000", "&&", "-c", "postgres://db"),
);
const anything = fc.anything({
  maxDepth: 3,
  key: fc.constantFrom("kind", "routes", "health", "canary", "host", "site"),
});

const settings = fc.oneof(
  anything,
  fc.record(
    {
      kind: fc.constantFrom("web", "worker", "static", "database", "job", "lambda"),
      strategy: fc.constantFrom("recreate", "rolling", "blue-green", "canary", "singleton", 3),
      routes: fc.array(fc.oneof(word, fc.record({ host: word, port }))),
      health: fc.record({ http: word, port, tcp: fc.boolean() }, { requiredKeys: [] }),
      site: fc.record({ root: word }),
      smoke: fc.array(word),
      drain: word,
    },
    { requiredKeys: [] },
  ),
);

const service = fc.record(
  {
    image: fc.oneof(word, fc.constantFrom("postgres:16", "node:24-alpine", "redis", "nginx@sha256:0")),
    command: fc.option(fc.array(word)),
    environment: fc.dictionary(
      fc.constantFrom("PORT", "DB_PASSWORD", "DISCORD_TOKEN", "URL"),
      fc.option(word),
    ),
    ports: fc.array(
      fc.record(
        {
          target: port,
          published: fc.oneof(port.map(String), word),
          protocol: fc.constantFrom("tcp", "udp"),
        },
        { requiredKeys: ["target"] },
      ),
    ),
    expose: fc.array(fc.oneof(word, port.map(String))),
    healthcheck: fc.record(
      { test: fc.array(word), interval: word, disable: fc.boolean() },
      { requiredKeys: [] },
    ),
    volumes: fc.array(fc.record({ type: fc.constantFrom("volume", "bind"), source: word, target: word })),
    depends_on: fc.dictionary(
      name,
      fc.record({
        condition: fc.constantFrom("service_started", "service_healthy", "service_completed_successfully"),
      }),
    ),
    deploy: fc.record({ replicas: fc.nat(5), mode: word }, { requiredKeys: [] }),
    networks: fc.dictionary(name, fc.option(fc.record({ aliases: fc.array(word) }))),
    network_mode: fc.constantFrom("host", "none", "service:db"),
    stop_grace_period: word,
    "x-roadstead": settings,
  },
  { requiredKeys: [] },
);

const model = fc
  .record({
    services: fc.dictionary(name, service, { maxKeys: 5 }),
    top: fc.oneof(
      anything,
      fc.record(
        { domain: word, environments: fc.dictionary(fc.constantFrom("production", "x"), anything) },
        { requiredKeys: [] },
      ),
    ),
  })
  .map(({ services, top }) => aModel(services, { "x-roadstead": top }));

/** Mostly valid: what a person might write. Services only depend on earlier ones. */
const sensibleService = fc.record(
  {
    image: fc.constantFrom("app:1", "postgres:16", "nginx:1", "redis:7"),
    environment: fc.record({ PORT: port.map(String), DISCORD_TOKEN: fc.constant("t") }, { requiredKeys: [] }),
    ports: fc.array(
      fc.record(
        { target: port, published: port.map(String), protocol: fc.constantFrom("tcp", "tcp", "udp") },
        { requiredKeys: ["target"] },
      ),
      { maxLength: 2 },
    ),
    expose: fc.array(port.map(String), { maxLength: 2 }),
    volumes: fc.array(
      fc.record({
        type: fc.constantFrom("volume", "bind"),
        source: fc.constantFrom("data", "/etc/localtime", "/srv/x"),
        target: fc.constant("/x"),
        read_only: fc.boolean(),
      }),
      { maxLength: 1 },
    ),
    deploy: fc.record({
      replicas: fc.constantFrom(0, 1, 1, 2),
      update_config: fc.record({ order: fc.constantFrom("start-first", "stop-first") }),
    }),
    network_mode: fc.constantFrom("host", "bridge"),
    "x-roadstead": fc.record(
      {
        kind: fc.constantFrom("web", "worker", "database", "job"),
        strategy: fc.constantFrom("recreate", "rolling", "blue-green", "canary", "singleton"),
        routes: fc.array(
          fc.record({
            host: fc.constantFrom("a.test", "b.test", "*.c.test"),
            path: fc.constantFrom("/", "/api"),
            port,
          }),
          { maxLength: 2 },
        ),
        health: fc.record({ http: fc.constant("/healthz"), port }),
        keepWarm: fc.constantFrom("5m", 0),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["image"] },
);

const sensibleModel = fc.array(sensibleService, { minLength: 1, maxLength: 3 }).map((services) =>
  aModel(
    Object.fromEntries(
      services.map((one, index) => [
        `s${index}`,
        {
          ...one,
          ...(index > 0 ? { depends_on: { [`s${index - 1}`]: { condition: "service_healthy" } } } : {}),
        },
      ]),
    ),
  ),
);

const build = (input: ReturnType<typeof aModel>) =>
  buildStack(input, { environment: "production", locate: aLocate, projectDirectory: "/srv" });

describe("the stack builder", () => {
  it("never throws, changes no input, and gives a stack exactly when there is no error", () => {
    fc.assert(
      fc.property(model, (input) => {
        const before = structuredClone(input);
        const { stack, draft, problems } = build(input);
        expect(input).toEqual(before);
        expect(stack === undefined).toBe(problems.some(({ severity }) => severity === "error"));
        const context = {
          model: input,
          stack: draft,
          dockerfileOf: () => undefined,
          contentState: () => "missing" as const,
          edgePorts: [80],
        };
        for (const problem of [...problems, ...lintStack(context, aLocate)]) {
          expect(problem.message).not.toMatch(/\bundefined\b|\[object/);
        }
        expect(diffStacks(draft, draft)).toEqual({ services: [], resources: [] });
      }),
      { numRuns: 150 },
    );
  });

  it("gives the planner only stacks that hold together", () => {
    let stacks = 0;
    fc.assert(
      fc.property(sensibleModel, (input) => {
        const { stack } = build(input);
        if (!stack) return;
        stacks += 1;
        for (const one of stack.services) holdsTogether(one);
        const routes = stack.services.flatMap((one) => one.routes.map(({ host, path }) => host + path));
        expect(new Set(routes).size).toBe(routes.length);
      }),
      { numRuns: 400 },
    );
    expect(stacks, "too few of the random models are valid to show anything").toBeGreaterThan(80);
  });

  it("reads any health check and any Dockerfile", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), fc.string(), (words, script, dockerfile) => {
        expect(["http", "tcp", "exec"]).toContain(readHealthCommand(["CMD-SHELL", script], {}, [])?.kind);
        readHealthCommand(["CMD", "curl", ...words], {}, ["x"]);
        expect(readDockerfile(`FROM x\n${dockerfile}`).exposedPorts.every(Number.isInteger)).toBe(true);
      }),
    );
  });
});

function holdsTogether(one: Service): void {
  expect(one.canary !== undefined).toBe(one.strategy === "canary");
  if (one.strategy === "singleton") expect(one.replicas).toBeLessThanOrEqual(1);
  const bound = one.ports.filter(({ published }) => published?.by === "runtime");
  if (["rolling", "blue-green", "canary"].includes(one.strategy) || one.replicas > 1)
    expect(bound).toEqual([]);
  if (one.addressing === "proxied") {
    expect(one.ports.length).toBeGreaterThan(0);
    expect(one.ports.every(({ protocol }) => protocol !== "udp")).toBe(true);
  }
  if (one.kind === "worker" || one.kind === "job") expect(one.routes).toEqual([]);
  for (const { port: target } of one.routes) expect(one.ports.map(({ port }) => port)).toContain(target);
  for (const { published, protocol } of one.ports) {
    if (published?.by === "edge") expect(protocol).not.toBe("udp");
  }
  if ("port" in one.probe) expect(one.probe.port).toBeGreaterThan(0);
}
