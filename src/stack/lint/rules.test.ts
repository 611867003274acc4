import { describe, expect, it } from "vitest";
import { buildStack } from "../build-stack.ts";
import { readDockerfile } from "../dockerfile.ts";
import { aLocate, aModel } from "../stack-support.ts";
import type { LintContext } from "./rule.ts";
import { lintStack } from "./rules.ts";

type Options = {
  environment?: string;
  dockerfile?: string;
  contentState?: LintContext["contentState"];
  more?: Record<string, unknown>;
};

function lint(services: Record<string, Record<string, unknown>>, options: Options = {}) {
  const model = aModel(services, options.more);
  const built = buildStack(model, {
    environment: options.environment ?? "production",
    locate: aLocate,
    projectDirectory: "/srv",
  });
  const dockerfile = options.dockerfile;
  return lintStack(
    {
      model,
      stack: built.draft,
      dockerfileOf: () =>
        dockerfile === undefined ? undefined : { path: "/srv/Dockerfile", facts: readDockerfile(dockerfile) },
      contentState: options.contentState ?? (() => undefined),
      edgePorts: [80, 443],
    },
    aLocate,
  );
}

function told(services: Record<string, Record<string, unknown>>, options: Options = {}): string[] {
  return lint(services, options).map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

const app = { image: "app:1" };

describe("shell operators in argv lists (R-130)", () => {
  it.each([
    ["command", { command: ["node", "a.js", "&&", "node", "b.js"] }],
    ["command", { command: ["node", "a.js;", "node", "b.js"] }],
    ["command", { command: ["node", "a.js", ">", "/log"] }],
    ["entrypoint", { entrypoint: ["sh", "a.sh", "||", "true"] }],
    ["x-roadstead.release.command", { "x-roadstead": { release: { command: ["a", "&&", "b"] } } }],
    ["healthcheck.test", { healthcheck: { test: ["CMD", "a", "||", "exit", "1"] } }],
  ])("finds one in %s", (key, service) => {
    expect(told({ app: { ...app, ...service } })).toEqual([
      `error SHELL_OPERATOR_IN_ARGV services.app.${key}`,
    ]);
  });

  it.each([
    { command: ["sh", "-c", "node a.js && node b.js"] },
    { command: ["bash", "-ec", "a; b;"] },
    { command: ["psql", "-c", "select 1;"] },
    { command: ["node", "--title=a&&b"] },
    { command: ["nginx", "-g", "daemon off;"] },
    { healthcheck: { test: ["CMD-SHELL", "a || exit 1"] } },
  ])("leaves %j alone", (service) => {
    expect(told({ app: { ...app, ...service } })).toEqual([]);
  });

  it("finds the very line in a Dockerfile, unless the service overrides it", () => {
    const dockerfile = [
      "FROM node:22-alpine AS deps",
      'CMD ["not", "&&", "this"]',
      "FROM node:22-alpine",
      "# start",
      'CMD ["node", "dist/src/migrate.js", "&&", "node", "dist/src/server.js"]',
    ].join("\n");
    const service = { build: { context: "/srv" } };
    expect(lint({ app: service }, { dockerfile })).toMatchObject([
      { code: "SHELL_OPERATOR_IN_ARGV", file: "/srv/Dockerfile", line: 5, path: "services.app.build" },
    ]);
    expect(told({ app: { ...service, command: ["node", "x.js"] } }, { dockerfile })).toEqual([]);
  });
});

describe("localhost as another service's address", () => {
  const db = { image: "redis:7" };
  const address = (text: string, name = "DB") =>
    told({ app: { ...app, environment: { [name]: text } }, db }).map((line) =>
      line.split(" ").slice(0, 2).join(" "),
    );

  it("is an error in a database address and a warning elsewhere", () => {
    expect(address("redis://localhost:6379/0")).toEqual(["error LOCALHOST_ADDRESS"]);
    expect(address("127.0.0.1:6379")).toEqual(["warning LOCALHOST_ADDRESS"]);
  });

  it("leaves own ports, unknown ports and addresses for browsers alone", () => {
    expect(address("redis://localhost:7000")).toEqual([]);
    expect(address("http://localhost:6379", "PUBLIC_URL")).toEqual([]);
    expect(
      told({ app: { ...app, expose: ["6379"], environment: { SELF: "http://localhost:6379" } }, db }),
    ).toEqual([]);
  });

  it("says what to write", () => {
    const [problem] = lint({ app: { ...app, command: ["x", "--db=redis://localhost:6379"] }, db });
    expect(problem).toMatchObject({ path: "services.app.command[1]", fix: "write db:6379" });
  });
});

describe("health checks whose program is not in the image (R-159)", () => {
  const check = (image: string, ...test: string[]) => told({ app: { image, healthcheck: { test } } });
  it("names curl in node:alpine", () => {
    const found = lint({
      app: { image: "node:22-alpine", healthcheck: { test: ["CMD", "curl", "http://localhost:8083"] } },
    });
    expect(found).toMatchObject([
      { severity: "warning", code: "CHECK_TOOL_MISSING", path: "services.app.healthcheck.test" },
    ]);
    expect(found[0]?.message).toContain("probes from outside");
    expect(check("node:22-slim", "CMD-SHELL", "wget -q --post-data=x http://localhost:1")).toHaveLength(1);
  });
  it("is content with programs that are there", () => {
    expect(check("node:22-alpine", "CMD", "wget", "-q", "http://localhost:1")).toEqual([]);
    expect(check("node:22", "CMD", "curl", "http://localhost:1")).toEqual([]);
    expect(check("nginx:alpine", "CMD", "curl", "http://localhost:1")).toEqual([]);
  });
});

describe("health checks that prove nothing (R-161)", () => {
  const guarded = (test: string[], environment = {}) =>
    told({
      cache: {
        image: "redis:8",
        command: ["redis-server", "--requirepass", "p"],
        environment,
        healthcheck: { test },
      },
    });
  it("names redis-cli without the password that the server wants", () => {
    expect(guarded(["CMD", "redis-cli", "ping"])).toEqual([
      "warning CHECK_UNAUTHENTICATED services.cache.healthcheck.test",
    ]);
    expect(guarded(["CMD", "redis-cli", "-a", "p", "ping"])).toEqual([]);
    expect(guarded(["CMD", "redis-cli", "ping"], { REDISCLI_AUTH: "p" })).toEqual([]);
    expect(
      told({ cache: { image: "redis:8", healthcheck: { test: ["CMD", "redis-cli", "ping"] } } }),
    ).toEqual([]);
  });
});

describe("secrets and passwords", () => {
  it("lists all missing contents at once (R-100)", () => {
    const services = {
      app: {
        ...app,
        secrets: ["a", "b", "c", "d"].map((source) => ({ source })),
        configs: [{ source: "e" }],
      },
    };
    const more = {
      secrets: { a: { file: "/a" }, b: { environment: "B" }, c: { external: true }, d: { file: "/d" } },
      configs: { e: { file: "/e" } },
    };
    const contentState: LintContext["contentState"] = ({ name }) =>
      name === "d" ? "present" : name === "e" ? "empty" : "missing";
    expect(told(services, { more, contentState })).toEqual([
      "error CONTENT_MISSING secrets.a",
      "error CONTENT_MISSING secrets.b",
      "error CONTENT_MISSING secrets.c",
      "warning CONTENT_MISSING configs.e",
    ]);
    expect(told(services, { more })).toEqual([]);
  });

  it("refuses empty passwords in production and warns elsewhere (R-281)", () => {
    const services = {
      app: {
        ...app,
        environment: { DB_PASSWORD: "", API_KEY: "", JWT_SECRET: null, URL: "redis://:@cache:6379", OK: "" },
      },
      cache: { image: "app:1", command: ["redis-server", "--requirepass"] },
    };
    const paths = ["DB_PASSWORD", "API_KEY", "JWT_SECRET", "URL"].map(
      (name) => `services.app.environment.${name}`,
    );
    const expected = (severity: string) =>
      [severity, "warning", severity, severity]
        .map((level, index) => `${level} EMPTY_PASSWORD ${paths[index]}`)
        .concat(`${severity} EMPTY_PASSWORD services.cache.command`);
    expect(told(services)).toEqual(expected("error"));
    expect(told(services, { environment: "development" })).toEqual(expected("warning"));
  });

  it("knows what a database image wants before it starts", () => {
    const database = (image: string, environment = {}) => told({ db: { image, environment } });
    expect(database("postgres:16")).toEqual(["error DATABASE_PASSWORD_MISSING services.db.environment"]);
    expect(database("mariadb:11")).toHaveLength(1);
    expect(database("postgres:16", { POSTGRES_PASSWORD_FILE: "/run/secrets/p" })).toEqual([]);
    expect(database("mysql:8", { MYSQL_RANDOM_ROOT_PASSWORD: "yes" })).toEqual([]);
  });
});

describe("ports", () => {
  const on = (port: string, host_ip?: string) => ({
    ...app,
    ports: [{ target: 3000, published: port, ...(host_ip ? { host_ip } : {}) }],
  });

  it("names both services that want one host port (R-125)", () => {
    const found = lint({ a: on("8083"), b: on("8083", "0.0.0.0") });
    expect(found).toMatchObject([
      { code: "HOST_PORT_TAKEN", message: "a and b both publish host port 8083/tcp" },
    ]);
    expect(told({ a: on("8083"), b: on("8083", "10.0.0.1") })).toEqual([]);
    expect(told({ a: on("8083"), b: on("8084") })).toEqual([]);
  });

  it("warns about the edge's own ports", () => {
    expect(told({ a: on("80") })).toEqual(["warning EDGE_PORT_PUBLISHED services.a.ports"]);
  });

  it("refuses a published database in production only (R-118)", () => {
    const db = { image: "mongo:8", ports: [{ target: 27017, published: "27017" }] };
    expect(told({ db })).toEqual(["error DATABASE_PUBLISHED services.db.ports"]);
    expect(told({ db }, { environment: "development" })).toEqual([]);
  });
});

describe("safety and naming", () => {
  it.each([
    [
      "error ENGINE_SOCKET_MOUNTED services.app.volumes[0]",
      { volumes: [{ type: "bind", source: "/var/run/docker.sock", target: "/s", read_only: true }] },
    ],
    ["error ENGINE_SOCKET_MOUNTED services.app.use_api_socket", { use_api_socket: true }],
    ["warning PRIVILEGED_SERVICE services.app.privileged", { privileged: true }],
    ["warning PRIVILEGED_SERVICE services.app.cap_add[1]", { cap_add: ["CHOWN", "SYS_ADMIN"] }],
    ["warning MOVING_TAG services.app.image", { image: "app" }],
    ["warning MOVING_TAG services.app.image", { image: "localhost:5000/app:latest" }],
    ["error CONTAINER_NAME_NOT_UNIQUE services.app.container_name", { container_name: "x", scale: 2 }],
    ["warning KEY_IGNORED services.app.develop", { develop: { watch: [{}] } }],
    ["warning KEY_IGNORED services.app.deploy.placement", { deploy: { placement: { constraints: ["x"] } } }],
    ["error KEY_REFUSED services.app.volumes_from", { volumes_from: ["other"] }],
    ["error KEY_REFUSED services.app.network_mode", { network_mode: "service:other" }],
  ])("%s", (expected, service) => {
    expect(told({ app: { ...app, ...service } })).toEqual([expected]);
  });

  it.each([
    { image: "app@sha256:00" },
    { image: "app", build: { context: "/x" } },
    { container_name: "x" },
    { privileged: false, volumes_from: [], develop: null },
    { volumes: [{ type: "bind", source: "/var/run/app.sock", target: "/s" }] },
  ])("has nothing to say about %j", (service) => {
    expect(told({ app: { ...app, ...service } })).toEqual([]);
  });

  it("names keys of secrets that only Swarm has", () => {
    const more = { secrets: { a: { file: "/a", driver: "vault", labels: { x: "y" } } } };
    expect(told({ app }, { more })).toEqual([
      "warning KEY_IGNORED secrets.a.labels",
      "error KEY_REFUSED secrets.a.driver",
    ]);
  });

  it("warns when healthy could mean no more than alive", () => {
    const on = { depends_on: { bot: { condition: "service_healthy" } } };
    expect(told({ app: { ...app, ...on }, bot: app })).toEqual([
      "warning DEPENDENCY_NOT_PROBED services.app.depends_on.bot",
    ]);
    expect(told({ app: { ...app, ...on }, bot: { ...app, expose: ["1"] } })).toEqual([]);
  });
});
