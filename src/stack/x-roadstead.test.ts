import { describe, expect, it } from "vitest";
import type { ComposeModel } from "./compose-model.ts";
import { readSettings } from "./x-roadstead.ts";

const locate = (path: string) => ({ file: "compose.yaml", line: path.split(/[.[]/).length });

function model(service: unknown, top?: unknown): ComposeModel {
  return {
    name: "shop",
    services: { web: { image: "web:1", "x-roadstead": service } },
    networks: {},
    volumes: {},
    secrets: {},
    configs: {},
    ...(top === undefined ? {} : { "x-roadstead": top }),
  };
}

function read(service: unknown, top?: unknown, environment = "production") {
  const settings = readSettings(model(service, top), environment, locate);
  return {
    web: settings.services["web"],
    problems: settings.problems.map(({ path, message }) => `${path}: ${message}`),
    settings,
  };
}

describe("x-roadstead of a service", () => {
  it("reads every key of the design in its short form", () => {
    const { web, problems } = read({
      kind: "web",
      routes: ["api.example.com", "example.com/api/", { host: "Example.com", path: "/x", port: "3000" }],
      strategy: "canary",
      canary: { steps: [{ weight: 10, for: "10m" }], maxErrorRate: "1%", maxP95: "1s", minRequests: 100 },
      keepWarm: "60m",
      release: { command: ["node", "migrate.js"], timeout: "5m", snapshot: true },
      smoke: ["GET /api/health 200", "/x", { request: "POST /y", status: 401, contains: "no" }],
      health: { http: "/healthz", port: 3000, interval: "2s" },
      sticky: "cookie",
      bodyLimit: "10m",
      rateLimit: { rate: 50 },
    });
    expect(problems).toEqual([]);
    expect(web).toEqual({
      kind: "web",
      routes: [
        { host: "api.example.com" },
        { host: "example.com", path: "/api" },
        { host: "example.com", path: "/x", port: 3000 },
      ],
      strategy: "canary",
      canary: { steps: [{ weight: 10, for: 600 }], maxErrorRate: 0.01, maxP95: 1, minRequests: 100 },
      keepWarm: 3600,
      release: { command: ["node", "migrate.js"], timeout: 300, snapshot: true },
      smoke: [
        { request: "GET /api/health", status: 200 },
        { request: "GET /x" },
        { request: "POST /y", status: 401, contains: "no" },
      ],
      health: { http: "/healthz", port: 3000, interval: 2 },
      sticky: "cookie",
      bodyLimit: 10 * 1024 ** 2,
      rateLimit: { rate: 50 },
    });
  });

  it("reports every mistake at its own path and keeps the rest", () => {
    const { web, problems } = read({
      kindd: "web",
      drain: "soon",
      routes: ["ok.example.com", { host: "bad host" }],
      release: { command: "node a.js && node b.js" },
      keepWarm: "5m",
    });
    expect(problems).toEqual([
      'services.web.x-roadstead.routes[1].host: "bad host" is not a host name; expected one like api.example.com',
      'services.web.x-roadstead.release.command: expected a list like [node, migrate.js]; for shell syntax write [sh, -c, "…"]',
      'services.web.x-roadstead.drain: "soon" is not a duration; expected one like 30s, 5m or 1h30m',
      "services.web.x-roadstead.kindd: unknown key kindd; did you mean kind?",
    ]);
    expect(web).toEqual({ keepWarm: 300 });
  });

  it("names the near key inside lists and mappings too", () => {
    expect(read({ routes: [{ host: "a.b", strip_path: true }], canary: { minRequest: 3 } }).problems).toEqual(
      [
        "services.web.x-roadstead.routes[0].strip_path: unknown key strip_path; did you mean stripPath?",
        "services.web.x-roadstead.canary.minRequest: unknown key minRequest; did you mean minRequests?",
      ],
    );
  });

  it("points at the line of the key", () => {
    const { settings } = read({ drain: "x" });
    expect(settings.problems[0]).toMatchObject({ file: "compose.yaml", line: 4, code: "INVALID_SETTING" });
  });

  it.each([
    ["drain", "-5s"],
    ["drain", true],
    ["bodyLimit", "big"],
    ["bodyLimit", 0],
    ["canary", { maxErrorRate: "150%" }],
    ["canary", { steps: [] }],
    [
      "canary",
      {
        steps: [
          { weight: 20, for: "1m" },
          { weight: 10, for: "1m" },
        ],
      },
    ],
    ["health", { http: "healthz" }],
    ["health", { port: 70_000 }],
    ["routes", ["example.com/../etc"]],
    ["routes", "example.com"],
    ["smoke", ["GET"]],
    ["kind", "lambda"],
    ["site", {}],
  ])("refuses %s: %j", (key, value) => {
    expect(read({ [key]: value }).problems).toHaveLength(1);
  });
});

describe("x-roadstead of the stack", () => {
  it("lays the chosen environment over the services, key by key (R-014)", () => {
    const top = {
      environments: {
        staging: {
          services: { web: { routes: ["staging.example.com"], replicas: 1, environment: { A: 1 } } },
        },
      },
    };
    const service = { routes: ["example.com"], keepWarm: "1m" };
    expect(read(service, top, "staging").web).toEqual({
      routes: [{ host: "staging.example.com" }],
      keepWarm: 60,
      replicas: 1,
      environment: { A: "1" },
    });
    expect(read(service, top, "production").web).toEqual({ routes: [{ host: "example.com" }], keepWarm: 60 });
  });

  it("names services of an environment that do not exist", () => {
    expect(read({}, { environments: { staging: { services: { wep: {} } } } }).problems).toEqual([
      "x-roadstead.environments.staging.services.wep: there is no service wep; did you mean web?",
    ]);
  });

  it("checks the environments that are not chosen as well", () => {
    expect(read({}, { environments: { staging: { domian: "x" } } }).problems).toEqual([
      "x-roadstead.environments.staging.domian: unknown key domian; did you mean domain?",
    ]);
  });

  it("keeps dependencies and pipeline as they are (R-186)", () => {
    const top = { dependencies: [{ name: "x", http: "https://x" }], pipeline: {} };
    expect(read({}, top).settings.stack).toEqual(top);
    expect(read({}, { dependencies: "x" }).problems).toEqual([
      "x-roadstead.dependencies: expected a list of mappings",
    ]);
  });

  it("reads when backups are made, and of what (R-134)", () => {
    const backups = {
      repository: "offsite",
      schedule: "30 2 * * *",
      timeZone: "Europe/Berlin",
      keep: { daily: 14, weekly: 0 },
      shrunkBy: "30%",
      sources: { web: { priority: "none" }, "web.uploads": { exclude: ["cache"], before: ["sync"] } },
    };
    const { settings, problems } = read({}, { backups });
    expect(problems).toEqual([]);
    expect(settings.stack.backups).toEqual({ ...backups, shrunkBy: 0.3 });
    expect(read({}, { backups: { schedule: false } }).settings.stack.backups).toEqual({ schedule: false });
  });

  it.each([
    [
      { schedule: "0 25 * * *" },
      "x-roadstead.backups.schedule: expected five fields of cron such as '0 3 * * *', or false",
    ],
    [
      { timeZone: "Europe/Berlim" },
      "x-roadstead.backups.timeZone: expected a time zone such as Europe/Berlin",
    ],
    [
      { sources: { wep: {} } },
      "x-roadstead.backups.sources.wep: there is no service, volume or folder wep to back up; did you mean web?",
    ],
    [
      { sources: { web: { exclude: ["/etc"] } } },
      "x-roadstead.backups.sources.web.exclude[0]: expected a path below the volume",
    ],
  ])("names what is wrong with backups: %j", (backups, problem) => {
    expect(read({}, { backups }).problems).toEqual([problem]);
  });
});
