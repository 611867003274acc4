import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadStack } from "../stack/load-stack.ts";
import { affectedPackages } from "./affected.ts";
import { affectedServices } from "./affected-services.ts";
import { aRepository } from "./pipeline-support.ts";
import { readPackages } from "./read-packages.ts";

const dockerfile = [
  "FROM node:24-alpine AS base",
  "COPY package.json package-lock.json ./",
  "COPY apps/web/package.json apps/web/",
  "FROM base AS backend-builder",
  "COPY tsconfig.base.json ./",
  "COPY packages packages",
  "COPY apps/auth apps/auth",
  "FROM base AS web-builder",
  "COPY --chown=1:1 apps/web \\",
  "  apps/web",
  "FROM base AS backend",
  "COPY --from=backend-builder /app .",
  "FROM nginx AS web",
  "COPY --from=web-builder /app .",
].join("\n");

/** A workspace as in seed 002, one image per target. */
const mono: Record<string, unknown> = {
  "package.json": { name: "mono", workspaces: ["packages/*", "apps/*"] },
  "package-lock.json": {},
  Dockerfile: dockerfile,
  "packages/types/package.json": { name: "@m/types" },
  "packages/platform/package.json": { name: "@m/platform", dependencies: { "@m/types": "1.0.0" } },
  "apps/auth/package.json": { name: "@m/auth", dependencies: { "@m/platform": "1.0.0" } },
  "apps/web/package.json": { name: "@m/web" },
  "compose.yaml": [
    "services:",
    "  auth: { build: { context: ., target: backend } }",
    "  web: { build: { context: ., target: web } }",
    "  db: { image: 'postgres:16', environment: { POSTGRES_PASSWORD: x } }",
  ].join("\n"),
};

/** A bot with its dashboard in a folder, two packages that know nothing of each other, as in seed 000. */
const bot: Record<string, unknown> = {
  "package.json": { name: "bot" },
  Dockerfile: "FROM node:24-alpine\nCOPY . .\n",
  "admin-dashboard/package.json": { name: "dashboard" },
  "admin-dashboard/Dockerfile": "FROM node:24-alpine\nCOPY . .\n",
  "nginx/Dockerfile": "FROM nginx\nCOPY nginx.conf /etc/nginx/\n",
  "compose.yaml": [
    "services:",
    "  bot: { build: . }",
    "  dashboard: { build: ./admin-dashboard }",
    "  proxy: { build: ./nginx }",
  ].join("\n"),
};

function touched(files: Record<string, unknown>, ...changedPaths: string[]) {
  const repository = aRepository(files);
  const { packages } = readPackages(repository);
  const affected = affectedPackages(packages, changedPaths);
  const { stack, problems } = loadStack({
    composeFiles: ["/repo/compose.yaml"],
    projectDirectory: "/repo",
    profiles: [],
    environment: {},
    environmentName: "development",
    readText: (path) => repository.readText(path.replace(/^\/repo\//, "")),
  });
  if (stack === undefined) throw new Error(JSON.stringify(problems));
  const services = affectedServices({
    stack,
    repositoryFolder: "/repo",
    repository,
    packages,
    affected,
    changedPaths,
  });
  return { packages: [...affected.keys()].toSorted(), services: [...services.keys()].toSorted() };
}

const everything = [".", "apps/auth", "apps/web", "packages/platform", "packages/types"];

describe("a change in a workspace (R-057)", () => {
  it.each([
    ["packages/types/src/a.ts", [".", "apps/auth", "packages/platform", "packages/types"], ["auth"]],
    ["packages/platform/src/a.ts", [".", "apps/auth", "packages/platform"], ["auth"]],
    ["apps/web/src/a.svelte", [".", "apps/web"], ["web"]],
    ["apps/web/package.json", [".", "apps/web"], ["web"]],
    ["test/all.test.ts", ["."], []],
    ["docs/guide.md", [], []],
    ["README.md", [], []],
    ["apps/web/README.md", [], []],
    [".github/workflows/ci.yml", [], []],
    ["package-lock.json", everything, ["auth", "web"]],
    ["package.json", everything, ["auth", "web"]],
    ["tsconfig.base.json", everything, ["auth", "web"]],
    ["compose.yaml", everything, ["auth", "web"]],
    ["scripts/generate.ts", everything, ["auth", "web"]],
    ["Dockerfile", ["."], ["auth", "web"]],
  ])("in %s touches %j and %j", (path, packages, services) => {
    expect(touched(mono, path)).toEqual({ packages, services });
  });

  it("touches an app whose pages are Markdown, and a package that is called docs", () => {
    const files = { ...mono, "docs/package.json": { name: "docs" } };
    expect(touched(mono, "apps/web/src/content/post.md").packages).toContain("apps/web");
    expect(touched(files, "docs/guide.md").packages).toEqual(["docs"]);
  });

  it("touches the sum of what each path touches, whatever the order", () => {
    const paths = ["packages/platform/a.ts", "apps/web/b.ts", "docs/c.md", "test/d.ts"];
    fc.assert(
      fc.property(fc.shuffledSubarray(paths), (some) => {
        const single = some.flatMap((path) => touched(mono, path).packages);
        expect(touched(mono, ...some).packages).toEqual([...new Set(single)].toSorted());
      }),
      { numRuns: 20 },
    );
  });

  it("touches what the whole context goes into by its Dockerfile's folder, an argument, or altogether", () => {
    const build = (text: string, extra: Record<string, unknown> = {}) => ({
      ...mono,
      Dockerfile: "FROM node\nCOPY . .\n",
      ...extra,
      "compose.yaml": `services:\n  one: { build: ${text} }\n`,
    });
    const inApp = build("{ context: ., dockerfile: apps/web/Dockerfile }", {
      "apps/web/Dockerfile": "FROM node\nCOPY . .\n",
    });
    const byArgument = build("{ context: ., args: { APP: web } }");
    for (const files of [inApp, byArgument]) {
      expect(touched(files, "apps/web/a.ts").services).toEqual(["one"]);
      expect(touched(files, "apps/auth/a.ts").services).toEqual([]);
    }
    expect(touched(build("."), "apps/auth/a.ts").services).toEqual(["one"]);
  });
});

describe("a change in a repository of separate packages (R-057, R-061)", () => {
  it.each([
    ["admin-dashboard/src/a.tsx", ["admin-dashboard"], ["dashboard"]],
    ["src/main.ts", ["."], ["bot"]],
    ["package-lock.json", ["."], ["bot"]],
    ["admin-dashboard/package-lock.json", ["admin-dashboard"], ["dashboard"]],
    [".npmrc", [".", "admin-dashboard"], ["bot", "dashboard"]],
    ["admin-dashboard/Dockerfile", ["admin-dashboard"], ["dashboard"]],
  ])("in %s touches %j and %j", (path, packages, services) => {
    expect(touched(bot, path)).toEqual({ packages, services });
  });

  it("touches a service without any package by its files", () => {
    const files = {
      "nginx/Dockerfile": bot["nginx/Dockerfile"],
      "compose.yaml": "services:\n  proxy: { build: nginx }\n",
    };
    expect(touched(files, "nginx/nginx.conf").services).toEqual(["proxy"]);
    expect(touched(files, "nginx/other.conf").services).toEqual([]);
    expect(touched(files, "elsewhere/a").services).toEqual([]);
  });

  it("touches nothing when nothing has changed", () => {
    expect(touched(bot)).toEqual({ packages: [], services: [] });
  });
});
