import { describe, expect, it } from "vitest";
import { derivePipeline } from "./derive-pipeline.ts";
import { aRepository, npmLockOf, summaryOf } from "./pipeline-support.ts";

const derive = (files: Record<string, unknown>) => {
  const { pipeline, problems } = derivePipeline(aRepository(files));
  return { pipeline, jobs: pipeline.jobs.map(summaryOf), problems: problems.map(({ code }) => code) };
};

const pg = { pg: "8.23.1" };
const tools = { typescript: "6.0.3" };

describe("derivePipeline on the reference stacks", () => {
  it("mileage-bot: bot and dashboard beside each other (R-061)", () => {
    const { jobs, problems } = derive({
      "package.json": {
        name: "mileage-bot",
        scripts: {
          start: "node src/main.ts",
          lint: "biome lint src test",
          build: "tsc",
          test: "node --test",
        },
        dependencies: pg,
        devDependencies: tools,
      },
      "package-lock.json": npmLockOf({ "": { ...pg, ...tools } }),
      "admin-dashboard/package.json": {
        name: "mileage-bot-dashboard",
        scripts: { dev: "vite", lint: "biome lint src", build: "tsc -p tsconfig.json && vite build" },
        devDependencies: tools,
      },
      "admin-dashboard/package-lock.json": npmLockOf({ "": tools }),
    });
    expect(jobs).toEqual([
      "mileage-bot-dashboard (admin-dashboard): install [admin-dashboard] | lint | build",
      "mileage-bot (.): install [.] | lint + test | build",
    ]);
    expect(problems).toEqual([]);
  });

  it("lila: API with a database for its tests, page with `check` for its types", () => {
    const { jobs, pipeline } = derive({
      "compose.yaml": "services:\n  db:\n    image: postgres:16\n",
      "apps/api/package.json": {
        name: "lila-api",
        scripts: { check: "tsc -p tsconfig.json", test: "node --test 'test/*.test.ts'", "db:generate": "x" },
        dependencies: pg,
      },
      "apps/api/package-lock.json": npmLockOf({ "": pg }),
      "apps/api/test/fresh-database.ts": 'const server = process.env["DATABASE_URL"];',
      "apps/web/package.json": {
        name: "lila-web",
        scripts: { dev: "vite", build: "vite build", check: "tsc", test: "node --test 'test/*.test.ts'" },
        devDependencies: tools,
      },
      "apps/web/package-lock.json": npmLockOf({ "": tools }),
    });
    expect(jobs).toEqual([
      "lila-api (apps/api): install [apps/api] | types + test",
      "lila-web (apps/web): install [apps/web] | types + test | build",
    ]);
    expect(pipeline.jobs.map(({ services }) => services)).toEqual([
      [{ kind: "postgres", version: "16", variable: "DATABASE_URL" }],
      [],
    ]);
    expect(pipeline.jobs[0]?.steps.map(({ run }) => run)).toEqual([
      "npm ci",
      "npm run check",
      "npm run test",
    ]);
  });

  it("manacore: one install for the workspace, tests that build come last (R-067)", () => {
    const { jobs, problems } = derive({
      "package.json": {
        name: "manacore",
        workspaces: ["packages/*", "apps/*"],
        scripts: {
          "build:backend": "tsc -b apps/auth apps/chat",
          build: "npm run build:backend",
          types: "tsc -b apps/auth apps/chat test",
          test: "npm run build:backend && node --test 'test/*.test.ts'",
        },
        devDependencies: tools,
      },
      "package-lock.json": npmLockOf({ "": tools, "packages/platform": pg }),
      "packages/platform/package.json": { name: "@manacore/platform", dependencies: pg },
      "apps/auth/package.json": { name: "@manacore/auth", dependencies: { "@manacore/platform": "1.0.0" } },
      "apps/web/package.json": { name: "@manacore/web", scripts: { build: "vite build" } },
      "apps/landing/package.json": { name: "@manacore/landing", scripts: { build: "astro build" } },
    });
    expect(jobs).toEqual([
      "landing (apps/landing): install [.] | build",
      "web (apps/web): install [.] | build",
      "manacore (.): install [.] | types | build | test",
    ]);
    expect(problems).toEqual([]);
  });

  it("nickapp: backend and frontend, each with its lock file", () => {
    const { jobs } = derive({
      "backend/package.json": { name: "nickapp-backend", scripts: { types: "tsc", test: "node --test" } },
      "frontend/package.json": {
        name: "nickapp-frontend",
        scripts: { dev: "next dev", build: "next build", types: "tsc --noEmit" },
        dependencies: { next: "16.4.1" },
      },
      "frontend/package-lock.json": npmLockOf({ "": { next: "16.4.1" } }),
    });
    expect(jobs).toEqual([
      "nickapp-backend (backend): types + test",
      "nickapp-frontend (frontend): install [frontend] | types | build",
    ]);
  });

  it("olim-bot: types, tests with PostgreSQL, build", () => {
    const { jobs, pipeline } = derive({
      "package.json": {
        name: "olim-bot",
        scripts: {
          build: "node scripts/check-statements.ts && tsc -p . && node scripts/bundle.ts",
          test: "node --test --test-concurrency=1 test/*.test.ts",
          types: "tsc -p . && tsc -p test",
        },
        dependencies: pg,
      },
      "package-lock.json": npmLockOf({ "": pg }),
      "test/database-support.ts": 'export const databaseUrl = process.env["DATABASE_URL"];',
    });
    expect(jobs).toEqual(["olim-bot (.): install [.] | types + test | build"]);
    expect(pipeline.jobs[0]?.services).toEqual([
      { kind: "postgres", version: "17", variable: "DATABASE_URL" },
    ]);
  });
});

describe("derivePipeline", () => {
  it("installs with what the lock file belongs to (R-044)", () => {
    const installs = (files: Record<string, string>, extra: object = {}) =>
      derive({ "package.json": { scripts: { test: "x" }, dependencies: { a: "1.0.0" }, ...extra }, ...files })
        .pipeline.jobs[0]?.steps[0]?.run;
    expect(installs({ "pnpm-lock.yaml": "" })).toBe("pnpm install --frozen-lockfile");
    expect(installs({ "yarn.lock": 'a@1.0.0:\n  version "1.0.0"\n' })).toBe("yarn install --frozen-lockfile");
    expect(installs({ "yarn.lock": '__metadata:\n  version: 8\n"a@npm:1.0.0":\n' })).toBe(
      "yarn install --immutable",
    );
    expect(installs({ "package-lock.json": "{}" })).toBe("npm ci");
    expect(installs({}, { packageManager: "pnpm@9.1.0" })).toBe("pnpm install --frozen-lockfile");
  });

  it("tells of a missing lock file, and still installs from nothing else (R-044)", () => {
    const { pipeline, problems } = derive({
      "package.json": { scripts: { lint: "eslint ." }, dependencies: { a: "1.0.0" } },
    });
    expect(problems).toEqual(["LOCK_FILE_MISSING"]);
    expect(pipeline.jobs[0]?.steps[0]?.run).toBe("npm ci");
  });

  it("points at the dependency that the lock file does not have (R-044)", () => {
    const { problems } = derivePipeline(
      aRepository({
        "package.json": { scripts: { lint: "eslint ." }, dependencies: { a: "1.0.0", b: "2.0.0" } },
        "package-lock.json": npmLockOf({ "": { a: "1.0.0" } }),
      }),
    );
    expect(problems).toEqual([
      expect.objectContaining({ code: "LOCK_FILE_STALE", severity: "error", file: "package.json", line: 7 }),
    ]);
    expect(problems[0]?.message).toContain("b@2.0.0");
  });

  it("warns of two lock files and takes the one that package.json names", () => {
    const { pipeline, problems } = derive({
      "package.json": { scripts: { lint: "x" }, dependencies: { a: "1.0.0" }, packageManager: "npm@11.0.0" },
      "package-lock.json": npmLockOf({ "": { a: "1.0.0" } }),
      "yarn.lock": "a@1.0.0:\n",
    });
    expect(problems).toEqual(["LOCK_FILES_SEVERAL"]);
    expect(pipeline.jobs[0]?.steps[0]?.run).toBe("npm ci");
  });

  it("gives nothing for packages without scripts, other repositories, and what npm init writes", () => {
    expect(derive({ "README.md": "hello" }).jobs).toEqual([]);
    expect(derive({ "package.json": { dependencies: { a: "1" } } })).toMatchObject({
      jobs: [],
      problems: [],
    });
    const test = 'echo "Error: no test specified" && exit 1';
    expect(derive({ "package.json": { scripts: { test } } }).jobs).toEqual([]);
  });

  it("leaves installed packages and test data alone, and names a package.json that is none", () => {
    const { jobs, problems } = derive({
      "node_modules/a/package.json": { scripts: { test: "x" } },
      "test/fixtures/b/package.json": "{",
      "c/package.json": "{",
      "d/package.json": "[]",
    });
    expect(jobs).toEqual([]);
    expect(problems).toEqual(["PACKAGE_UNREADABLE", "PACKAGE_UNREADABLE"]);
  });

  it("builds what a package depends on before it checks the package (R-057)", () => {
    const { jobs } = derive({
      "package.json": { name: "mono", scripts: { lint: "turbo run lint", test: "npm test --workspaces" } },
      "pnpm-workspace.yaml": "packages:\n  - packages/*\n  - apps/**\n  - '!apps/old'\n",
      "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .: {}\n",
      "packages/types/package.json": { name: "@m/types", scripts: { build: "tsc" } },
      "packages/ui/package.json": {
        name: "@m/ui",
        scripts: { build: "tsc" },
        dependencies: { "@m/types": "workspace:*" },
      },
      "apps/chat/web/package.json": {
        name: "@m/chat-web",
        scripts: { lint: "eslint .", "type-check": "tsc --noEmit" },
        dependencies: { "@m/ui": "workspace:*" },
      },
      "apps/old/package.json": { name: "old", scripts: { lint: "x" } },
    });
    expect(jobs).toContain(
      "chat-web (apps/chat/web): install [.] | build @m/types [packages/types] | build @m/ui [packages/ui] | lint + types",
    );
    expect(jobs.some((job) => job.startsWith("mono "))).toBe(false);
  });

  it("keeps job names apart where packages share a name", () => {
    const { pipeline } = derive({
      "a/x/package.json": { name: "@a/web", scripts: { lint: "x" } },
      "b/package.json": { name: "@b/web", scripts: { lint: "x" } },
    });
    expect(pipeline.jobs.map(({ name }) => name)).toEqual(["a-x", "b"]);
  });
});
