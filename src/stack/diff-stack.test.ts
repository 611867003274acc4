import { describe, expect, it } from "vitest";
import { buildStack } from "./build-stack.ts";
import { diffStacks } from "./diff-stack.ts";
import type { Stack } from "./stack.ts";
import { aLocate, aModel } from "./stack-support.ts";

function stack(services: Record<string, Record<string, unknown>>, more: Record<string, unknown> = {}): Stack {
  return buildStack(aModel(services, more), {
    environment: "production",
    locate: aLocate,
    projectDirectory: "/srv",
  }).draft;
}

const app = (more: Record<string, unknown> = {}) => ({ image: "app:1", expose: ["3000"], ...more });

describe("the difference of two stacks", () => {
  it("is empty for the same stack", () => {
    expect(diffStacks(stack({ app: app() }), stack({ app: app() }))).toEqual({ services: [], resources: [] });
  });

  it("names added, removed and changed services with Compose paths", () => {
    const before = stack({ app: app({ environment: { A: "1", B: "2" } }), old: app() });
    const after = stack({
      fresh: app(),
      app: app({ image: "app:2", environment: { A: "1", C: "3" } }),
    });
    expect(diffStacks(before, after).services).toEqual([
      { service: "fresh", change: "added", values: [], settings: [] },
      {
        service: "app",
        change: "changed",
        values: [
          { path: "services.app.environment.B", from: "2" },
          { path: "services.app.environment.C", to: "3" },
          { path: "services.app.image", from: "app:1", to: "app:2" },
        ],
        settings: [],
      },
      { service: "old", change: "removed", values: [], settings: [] },
    ]);
  });

  it("shows what follows from a change", () => {
    const after = stack({ app: app({ volumes: [{ type: "volume", source: "d", target: "/d" }] }) });
    expect(diffStacks(stack({ app: app() }), after).services[0]?.settings).toEqual([
      { path: "strategy", from: "blue-green", to: "recreate" },
      { path: "keepWarmSeconds", from: "3600", to: "0" },
    ]);
  });

  it("lists networks, volumes, secrets and configs", () => {
    const granted = app({ secrets: [{ source: "db_password" }] });
    const before = stack({ app: granted }, { secrets: { db_password: { file: "/a" } } });
    const after = stack(
      { app: granted },
      { secrets: { db_password: { file: "/b" } }, volumes: { data: { name: "shop_data" } } },
    );
    expect(diffStacks(before, after).resources).toEqual([
      { path: "volumes.data", to: '{"name":"shop_data"}' },
      { path: "secrets.db_password.path", from: "/a", to: "/b" },
    ]);
  });

  it("hides every credential (R-107, R-111)", () => {
    const service = (secret: string) =>
      app({
        environment: {
          DB_PASSWORD: secret,
          API_KEY: secret,
          DATABASE_URL: `postgres://u:${secret}@db:5432/x`,
        },
        command: ["redis-server", "--requirepass", secret, `--token=${secret}`, `redis://:${secret}@x`],
        healthcheck: { test: ["CMD-SHELL", `redis-cli --pass ${secret} ping`] },
        build: { context: "/x", args: { NPM_TOKEN: secret } },
      });
    const diff = diffStacks(stack({ app: service("hunter2") }), stack({ app: service("hunter3") }));
    expect(JSON.stringify(diff)).not.toMatch(/hunter/);
    expect(diff.services[0]?.values).toContainEqual({
      path: "services.app.environment.DB_PASSWORD",
      from: "•••",
      to: "•••",
    });
    expect(diff.services[0]?.values).toContainEqual({
      path: "services.app.environment.DATABASE_URL",
      from: "postgres://u:•••@db:5432/x",
      to: "postgres://u:•••@db:5432/x",
    });
  });

  it("calls everything of a first release added", () => {
    const diff = diffStacks(undefined, stack({ app: app() }, { volumes: { d: { name: "d" } } }));
    expect(diff).toEqual({
      services: [{ service: "app", change: "added", values: [], settings: [] }],
      resources: [],
    });
  });
});
