import { describe, expect, it } from "vitest";
import { type LoadStackInput, loadStack } from "./load-stack.ts";

function load(files: Record<string, string>, more: Partial<LoadStackInput> = {}) {
  return loadStack({
    composeFiles: ["/srv/shop/compose.yaml"],
    projectDirectory: "/srv/shop",
    profiles: [],
    environment: {},
    environmentName: "production",
    readText: (path) => files[path.replace("/srv/shop/", "")],
    ...more,
  });
}

const told = ({ problems }: ReturnType<typeof load>) =>
  problems.map(({ file, line, code, path }) => `${file?.replace("/srv/shop/", "")}:${line} ${code} ${path}`);

describe("loading a stack", () => {
  it("deploys a plain Compose file as it is", () => {
    const { stack, problems } = load({
      "compose.yaml": 'services: {app: {image: "app:1", ports: ["8080:80"], healthcheck: {test: [CMD, ok]}}}',
    });
    expect(problems).toEqual([]);
    expect(stack).toMatchObject({ name: "shop", environment: "production", services: [{ kind: "web" }] });
  });

  it("finds the line of a Dockerfile whose CMD never starts the server (R-130)", () => {
    const dockerfile = [
      "FROM node:22-alpine AS runner",
      "EXPOSE 3000",
      'CMD ["node", "dist/src/migrate.js", "&&", "node", "dist/src/server.js"]',
    ];
    const loaded = load({
      "compose.yaml": [
        "services:",
        "  api:",
        "    build: {context: ., dockerfile: Dockerfile.prod}",
        "    x-roadstead: {health: {http: /api/health}}",
      ].join("\n"),
      "Dockerfile.prod": dockerfile.join("\n"),
    });
    expect(loaded.stack).toBeUndefined();
    expect(told(loaded)).toEqual(["Dockerfile.prod:3 SHELL_OPERATOR_IN_ARGV services.api.build"]);
  });

  it("takes the port of a web service from its Dockerfile, but gives none to a worker of the same image", () => {
    const { stack } = load({
      "compose.yaml": [
        "services:",
        "  api: {build: ., x-roadstead: {health: {http: /healthz}}}",
        "  worker: {build: .}",
      ].join("\n"),
      Dockerfile: "FROM node:24\nEXPOSE 3000\n",
    });
    expect(stack?.services.map(({ kind, ports }) => [kind, ports])).toEqual([
      ["web", [{ port: 3000, protocol: "http" }]],
      ["worker", []],
    ]);
  });

  it("tells problems of loading, building and linting in the order of the lines", () => {
    const loaded = load({
      "compose.yaml": [
        "services:",
        "  b:",
        "    image: app",
        "    environment: {X: $MISSING}",
        "    x-roadstead: {drian: 5s}",
        "  a:",
        "    image: app:1",
        "    privileged: true",
      ].join("\n"),
    });
    expect(loaded.stack).toBeUndefined();
    expect(loaded.model?.name).toBe("shop");
    expect(told(loaded)).toEqual([
      "compose.yaml:3 MOVING_TAG services.b.image",
      "compose.yaml:4 VARIABLE_NOT_SET services.b.environment.X",
      "compose.yaml:5 UNKNOWN_KEY services.b.x-roadstead.drian",
      "compose.yaml:8 PRIVILEGED_SERVICE services.a.privileged",
    ]);
  });

  it("gives problems and nothing else when the file cannot be read", () => {
    const loaded = load({});
    expect(loaded).not.toHaveProperty("model");
    expect(loaded.problems.map(({ severity }) => severity)).toEqual(["error"]);
  });

  it("asks only the caller whether secrets are there, and never reads them", () => {
    const asked: string[] = [];
    const files = {
      "compose.yaml":
        "services: {app: {image: 'app:1', secrets: [key]}}\nsecrets: {key: {file: ./key.txt}}\n",
      "key.txt": "hunter2",
    };
    const loaded = load(files, {
      readText: (path) => {
        asked.push(path);
        return (files as Record<string, string>)[path.replace("/srv/shop/", "")];
      },
      contentState: () => "missing",
    });
    expect(asked.some((path) => path.endsWith("key.txt"))).toBe(false);
    expect(told(loaded)).toEqual(["compose.yaml:2 CONTENT_MISSING secrets.key"]);
  });

  it("does not ask rules of what was deployed before, so an update of Roadstead keeps it serving", () => {
    const files = { "compose.yaml": "services: {db: {image: 'redis:7', ports: ['6379:6379']}}" };
    expect(load(files).stack).toBeUndefined();
    expect(load(files, { accepted: true }).stack?.services[0]?.name).toBe("db");
  });

  it("takes the installation's domain and edge ports", () => {
    const files = {
      "compose.yaml": "services: {app: {image: 'app:1', ports: ['8443:80'], healthcheck: {disable: true}}}",
    };
    const { stack, problems } = load(files, { domain: "example.com", edgePorts: [8443] });
    expect(problems.map(({ code }) => code)).toEqual(["EDGE_PORT_PUBLISHED"]);
    expect(stack?.services[0]?.routes[0]?.host).toBe("app.example.com");
  });
});
