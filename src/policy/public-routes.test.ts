import { describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import { publicRoutes } from "./public-routes.ts";

const timing = { intervalSeconds: 5, timeoutSeconds: 5, retries: 3, startPeriodSeconds: 0 };
const probe = { kind: "http", path: "/api/health", port: 3000, expect: [200], ...timing } as const;
const route = (path: string, changes: { stripPath?: boolean; port?: number; host?: string } = {}) => ({
  ...{ host: "auth.example.com", path, port: 3000, stripPath: false },
  ...changes,
});

function pathsOf(...routes: ReturnType<typeof route>[]) {
  return publicRoutes({ services: [aStackService("auth", { probe, routes })] }).map(({ path }) => path);
}

describe("public routes (R-164)", () => {
  it("are asked for the service's own health path where they lead to it", () => {
    expect(pathsOf(route("/"), route("/api"), route("/admin"))).toEqual([
      "/api/health",
      "/api/health",
      "/admin",
    ]);
    expect(pathsOf(route("/auth", { stripPath: true }))).toEqual(["/auth/api/health"]);
  });

  it("are asked as they are when they lead to another port, and not at all under a wildcard", () => {
    expect(pathsOf(route("/", { port: 4000 }), route("/", { host: "*.example.com" }))).toEqual(["/"]);
  });

  it("have host and path as their name", () => {
    const services = [aStackService("auth", { probe, routes: [route("/api")] })];
    expect(publicRoutes({ services })[0]).toMatchObject({ service: "auth", name: "auth.example.com/api" });
  });
});
