import { describe, expect, it } from "vitest";
import type { ComposeMount } from "../stack/compose-model.ts";
import type { Service, Stack } from "../stack/stack.ts";
import { coverage } from "./backup-coverage.ts";

function service(name: string, image: string, ...mounts: string[]): Service {
  const volumes = mounts.map((text): ComposeMount => {
    const [source = "", target = "", mode] = text.split(":");
    const type = source.startsWith("/") ? "bind" : "volume";
    return {
      type,
      ...(source === "" ? {} : { source }),
      target,
      ...(mode === "ro" ? { read_only: true } : {}),
    };
  });
  // Coverage looks at names, images and mounts only.
  return { name, compose: { image, volumes } } as Partial<Service> as Service;
}

function stack(services: Service[], backups?: Stack["backups"]): Stack {
  const keys = services.flatMap(({ compose }) =>
    (compose.volumes ?? []).flatMap(({ type, source }) => (type === "volume" && source ? [source] : [])),
  );
  return {
    name: "shop",
    environment: "production",
    services,
    networks: {},
    volumes: Object.fromEntries(keys.map((key) => [key, { name: `shop_${key}` }])),
    files: [],
    ...(backups ? { backups } : {}),
  };
}

const summary = (of: Stack) =>
  coverage(of).sources.map(({ name, kind, priority }) => `${priority} ${kind} ${name}`);

describe("coverage (R-140, R-147)", () => {
  it("finds databases by their images, volumes and host folders, with their priorities", () => {
    const found = stack([
      service("mongo", "mongo:7", "mongodb_data:/data/db"),
      service("redis", "redis:7-alpine", "redis_data:/data"),
      service("api", "example/api:1", "/srv/app/uploads:/app/uploads"),
      service(
        "nginx",
        "nginx:1",
        "/srv/app/nginx/nginx.conf:/etc/nginx/nginx.conf:ro",
        "/srv/app/nginx/logs:/var/log/nginx",
      ),
    ]);
    expect(summary(found)).toEqual([
      "critical mongodb mongo",
      "high bind api.uploads",
      "medium bind nginx.logs",
      "low redis redis",
    ]);
    expect(coverage(found).uncovered).toEqual([
      { name: "/srv/app/nginx/nginx.conf", why: "no service writes it", fix: expect.any(String) },
    ]);
  });

  it("copies what several services share once, and never the files under a database", () => {
    const found = stack([
      service("db", "postgres:16", "data:/var/lib/postgresql/data"),
      service("forge", "codeberg.org/forgejo/forgejo:9", "forge:/data"),
      service("runner", "example/runner", "forge:/data", "data:/peek:ro"),
    ]);
    expect(summary(found)).toEqual(["critical postgres db", "high volume forge"]);
    expect(coverage(found).sources[1]?.services).toEqual(["forge", "runner"]);
  });

  it("says what is left out and why", () => {
    const settings = { sources: { forge: { priority: "none" as const }, ghost: {} } };
    const services = [
      service("forge", "example/forge", "forge:/data", ":/anonymous", "/proc:/host/proc", "/:/host"),
    ];
    const { sources, uncovered, unknown } = coverage(stack(services, settings));
    expect(sources).toEqual([]);
    expect(uncovered.map(({ name, why }) => `${name}: ${why}`)).toEqual([
      "forge:/anonymous: the volume has no name",
      "/: it is the whole host",
      "forge: its priority is none",
    ]);
    expect(unknown).toEqual(["ghost"]);
  });

  it("takes checks, pauses and exclusions from the file, and a volume with SQLite as such", () => {
    const sources = {
      db: { checks: ["SELECT 1"], priority: "high" as const },
      data: { sqlite: "app.db" },
      files: { before: ["sync"], exclude: ["cache"] },
    };
    const services = [service("db", "mysql:8"), service("app", "example/app", "data:/data", "files:/files")];
    expect(coverage(stack(services, { sources })).sources).toEqual([
      {
        name: "data",
        kind: "sqlite",
        priority: "high",
        services: ["app"],
        volume: "data",
        path: "app.db",
        checks: [],
        exclude: [],
      },
      {
        name: "db",
        kind: "mysql",
        priority: "high",
        services: ["db"],
        checks: ["SELECT 1"],
        exclude: [],
      },
      {
        name: "files",
        kind: "volume",
        priority: "high",
        services: ["app"],
        volume: "files",
        checks: [],
        exclude: ["cache"],
        before: ["sync"],
      },
    ]);
  });
});
