import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type LoadedStack, loadStack } from "./load-stack.ts";
import { summarise } from "./stack-support.ts";

const folder = join(import.meta.dirname, "../../test/fixtures/stacks");
const secrets = { DISCORD_TOKEN: "t", DB_PASSWORD: "p", POSTGRES_PASSWORD: "p", REDIS_PASSWORD: "p" };

type Options = {
  environment?: Record<string, string>;
  environmentName?: string;
  edit?: (text: string) => string;
};

function load(
  names: string[],
  { environment = secrets, environmentName = "production", edit }: Options = {},
) {
  return loadStack({
    composeFiles: names.map((name) => join(folder, name)),
    projectDirectory: folder,
    profiles: [],
    environment,
    environmentName,
    readText: (path) => {
      if (!names.some((name) => path === join(folder, name))) return undefined;
      const text = readFileSync(path, "utf8");
      return edit ? edit(text) : text;
    },
  });
}

function told({ problems }: LoadedStack): string[] {
  return problems.map(({ line, severity, code, path }) => `${line} ${severity} ${code} ${path}`);
}

describe("the five reference descriptions", () => {
  it("discord-admin: a gateway client is never doubled (R-001, R-002, R-018, R-090)", () => {
    const loaded = load(["discord-admin.yaml"]);
    expect(told(loaded)).toEqual([]);
    expect(summarise(loaded.stack)).toEqual({
      backend: "web | singleton x1 | proxied | 8787/http | http /health 8787 | api.bot.example.com/->8787",
      dashboard:
        "web | blue-green x1 | proxied | 80/http | http / 80 | dash.bot.example.com/->80 dash.bot.example.com/assets->80",
      postgres: "database | recreate x1 | direct | 5432/tcp | exec pg_isready -U bot -d mileage | no routes",
    });
  });

  it("lila: names the exec-form && that never starts the server (R-130)", () => {
    const loaded = load(["lila.yaml"]);
    expect(loaded.stack).toBeUndefined();
    expect(told(loaded).filter((line) => line.includes("error"))).toEqual([
      "13 error SHELL_OPERATOR_IN_ARGV services.api.command",
    ]);
    expect(loaded.problems.find(({ code }) => code === "SHELL_OPERATOR_IN_ARGV")?.message).toBe(
      "`&&` reaches node as an argument; there is no shell that would act on it",
    );
  });

  it("lila: five services with exactly these ports, once the command is mended (R-004, R-019, R-035, R-113)", () => {
    const loaded = load(["lila.yaml"], { edit: (text) => text.replace(/\n.*"&&".*/, "") });
    expect(summarise(loaded.stack)).toEqual({
      caddy:
        "web | recreate x1 | proxied | 80/http<-127.0.0.1:80 by edge 443/tcp<-127.0.0.1:443 by runtime | tcp 80 | caddy.lila.localhost/->80",
      api: "web | blue-green x1 | proxied | 3000/http | http /api/health 3000 | api.lilastudy.com/->3000",
      web: "web | blue-green x1 | proxied | 80/http | tcp 80 | lilastudy.com/->80",
      database: "database | recreate x1 | direct | 5432/tcp | tcp 5432 | no routes",
      forgejo:
        "web | recreate x1 | proxied | 3000/http 2222/tcp<-0.0.0.0:2222 by runtime | tcp 3000 | git.lilastudy.com/->3000",
    });
    expect(told(loaded)).toEqual([
      "4 warning NO_HEALTH_CHECK services.caddy",
      "6 warning EDGE_PORT_PUBLISHED services.caddy.ports",
      "6 warning EDGE_PORT_PUBLISHED services.caddy.ports",
      "12 warning MOVING_TAG services.api.image",
      "25 warning NO_HEALTH_CHECK services.web",
      "26 warning MOVING_TAG services.web.image",
      "33 warning NO_HEALTH_CHECK services.database",
      "41 warning NO_HEALTH_CHECK services.forgejo",
    ]);
  });

  it("manacore: canary, release job, static landing, data without egress (R-002, R-082, R-116, R-164)", () => {
    const loaded = load(["manacore.yaml"]);
    const { stack } = loaded;
    expect(told(loaded)).toEqual([
      "35 warning SETTING_WITHOUT_EFFECT services.chat-backend.x-roadstead.release.snapshot",
    ]);
    expect(summarise(stack)).toEqual({
      "mana-core-auth":
        "web | blue-green x1 | proxied | 3001/http | http /api/health 3001 | auth.manacore.app/->3001",
      "chat-backend":
        "web | canary x1 | proxied | 3002/http | http /api/health 3002 | api-chat.manacore.app/->3002",
      "chat-web":
        "web | blue-green x1 | proxied | 3000/http | http /api/health 3000 | app-chat.manacore.app/->3000",
      "chat-landing": "static | blue-green x1 | direct | 80/tcp | alive | chat.app/->80",
      postgres: "database | recreate x1 | direct | 5432/tcp | exec pg_isready | no routes",
      redis: "database | recreate x1 | direct | 6379/tcp | exec redis-cli ping | no routes",
    });
    expect(stack?.networks["data-network"]?.internal).toBe(true);
    expect(stack?.services.find(({ name }) => name === "chat-backend")).toMatchObject({
      canary: { steps: [{ weight: 10, forSeconds: 600 }], maxErrorRate: 0.01, maxP95Seconds: 1 },
      keepWarmSeconds: 3600,
      readyTimeoutSeconds: 150,
      releaseJob: { argv: ["pnpm", "migrate"], timeoutSeconds: 300, snapshot: true },
      smoke: [
        { method: "GET", path: "/api/health", status: 200 },
        { method: "GET", path: "/api/models", status: 200 },
      ],
      dependsOn: [
        { service: "postgres", condition: "ready", required: true },
        { service: "redis", condition: "ready", required: true },
      ],
    });
  });

  it("manacore: staging has its own hosts and strategy (R-014, R-036)", () => {
    const { stack } = load(["manacore.yaml"], { environmentName: "staging" });
    expect(stack?.services.flatMap(({ routes }) => routes.map(({ host }) => host))).toEqual([
      "staging-auth.manacore.app",
      "staging-api-chat.manacore.app",
      "staging-app-chat.manacore.app",
      "staging.chat.app",
    ]);
    expect(stack?.services.find(({ name }) => name === "chat-backend")?.strategy).toBe("blue-green");
  });

  it("nickapp: only nginx is published; curl becomes a probe from outside (R-118, R-153, R-158 to R-162)", () => {
    const loaded = load(["nickapp.yaml"]);
    expect(summarise(loaded.stack)).toEqual({
      "nickapp-nginx":
        "web | recreate x1 | proxied | 80/http<-127.0.0.1:8083 by edge | tcp 80 | nickapp-nginx.nickapp.localhost/->80",
      "nickapp-backend":
        "web | recreate x1 | proxied | 5001/http | exec node healthcheck.js | nickapp-backend.nickapp.localhost/->5001",
      "nickapp-frontend":
        "web | blue-green x1 | proxied | 8083/http | http / 8083 | nickapp-frontend.nickapp.localhost/->8083",
      "nickapp-mongodb":
        "database | recreate x1 | direct | 27017/tcp | exec mongosh --eval db.adminCommand('ping') | no routes",
      "nickapp-redis": "database | recreate x1 | direct | 6379/tcp | exec redis-cli ping | no routes",
    });
    expect(told(loaded)).toEqual([
      "4 warning NO_HEALTH_CHECK services.nickapp-nginx",
      "13 warning MOVING_TAG services.nickapp-backend.image",
      "26 warning UPDATE_MOVING_TAG services.nickapp-backend.labels",
      "28 warning MOVING_TAG services.nickapp-frontend.image",
      "34 warning UPDATE_MOVING_TAG services.nickapp-frontend.labels",
      "46 warning CHECK_UNAUTHENTICATED services.nickapp-redis.healthcheck.test",
    ]);
  });

  it("nickapp: a missing REDIS_PASSWORD is an error before anything starts (R-281)", () => {
    const loaded = load(["nickapp.yaml"], { environment: {} });
    expect(loaded.stack).toBeUndefined();
    expect(told(loaded).filter((line) => line.includes("error"))).toEqual([
      "18 error EMPTY_PASSWORD services.nickapp-backend.environment.REDIS_URL",
      "43 error EMPTY_PASSWORD services.nickapp-redis.command",
    ]);
  });

  it("nickapp: the updater may not have the engine's socket (R-223)", () => {
    const loaded = load(["nickapp.yaml", "nickapp.updater.yaml"]);
    expect(told(loaded).filter((line) => line.includes("error"))).toEqual([
      "6 error ENGINE_SOCKET_MOUNTED services.watchtower.volumes[0]",
    ]);
    expect(loaded.problems.find(({ severity }) => severity === "error")?.message).toContain(
      "/var/run/docker.sock",
    );
  });

  it("nickdev: a published database is fine in development and refused in production (R-118)", () => {
    const development = load(["nickdev.yaml"], { environmentName: "development" });
    expect(summarise(development.stack)["nickdev-mongodb"]).toBe(
      "database | recreate x1 | direct | 27017/tcp<-127.0.0.1:27017 by runtime | tcp 27017 | no routes",
    );
    expect(told(load(["nickdev.yaml"])).filter((line) => line.includes("error"))).toEqual([
      "14 error DATABASE_PUBLISHED services.nickdev-mongodb.ports",
    ]);
  });

  it("discord-bot: a worker without ports is not misconfigured (R-012, R-090, R-120)", () => {
    const loaded = load(["discord-bot.yaml"]);
    expect(told(loaded)).toEqual(["17 warning NO_HEALTH_CHECK services.postgres"]);
    expect(summarise(loaded.stack)).toEqual({
      bot: "worker | singleton x1 | direct | no ports | alive | no routes",
      postgres: "database | recreate x1 | direct | 5432/tcp | tcp 5432 | no routes",
    });
  });
});
