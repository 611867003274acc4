import { describe, expect, it } from "vitest";
import type { Service, Stack } from "../stack/stack.ts";
import { checkBuildVariables, trackedEnvFiles } from "./public-variables.ts";

function stackWith(
  args: Record<string, string>,
  environment = "production",
): Pick<Stack, "services" | "environment"> {
  const service = { name: "web", compose: { build: { context: "/srv", args } } } as unknown as Service;
  return { environment, services: [service] };
}

const codes = (args: Record<string, string>, environment?: string, secrets: Record<string, string> = {}) =>
  checkBuildVariables(stackWith(args, environment), secrets).map(({ code, path }) => `${code} ${path}`);

it("R-099: a static site's run-time values are public too", () => {
  const site = {
    root: "/srv/dist",
    spa: true,
    config: { VITE_API_URL: "http://localhost:1", KEY: "hunter2x" },
  };
  const service = { name: "web", compose: {}, site } as unknown as Service;
  const problems = checkBuildVariables(
    { environment: "production", services: [service] },
    { API: "hunter2x" },
  );
  expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
    "PUBLIC_VALUE_DENIED services.web.x-roadstead.site.config.VITE_API_URL",
    "SECRET_IN_BUILD services.web.x-roadstead.site.config.KEY",
  ]);
  expect(problems[1]?.message).toContain("every visitor");
});

describe("variables that are built into images", () => {
  it.each([
    { VITE_API_URL: "http://localhost:3000" },
    { NEXT_PUBLIC_API: "https://127.0.0.1/api" },
    { NEXT_PUBLIC_WS: "ws://0.0.0.0:8080" },
    { REACT_APP_HOSTS: "a.example.com,localhost" },
    { VITE_API_URL: "http://[::1]:3000/x" },
    { IS_DEVELOPMENT: "true" },
    { NEXT_PUBLIC_IS_DEVELOPMENT: "1" },
  ])("R-106: refuses %j in production, and only there", (args) => {
    const path = `services.web.build.args.${Object.keys(args)[0]}`;
    expect(codes(args)).toEqual([`PUBLIC_VALUE_DENIED ${path}`]);
    expect(codes(args, "staging")).toEqual([]);
  });

  it.each([
    { VITE_API_URL: "https://api.lilastudy.com" },
    { VITE_NAME: "localhosting" },
    { VITE_HOST: "notlocalhost.example.com" },
    { IS_DEVELOPMENT: "false" },
    { BACKEND: "http://localhost:3000" },
    { NEXT_PUBLIC_EMPTY: "" },
  ])("R-106: lets %j pass", (args) => {
    expect(codes(args)).toEqual([]);
  });

  it("R-099: refuses the value of a secret, also inside a longer one and outside production, without showing it", () => {
    const secrets = { DB_PASSWORD: "hunter2hunter2", EMPTY: "" };
    const args = { DATABASE_URL: "postgres://app:hunter2hunter2@db/app", OTHER: "x" };
    expect(codes(args, "staging", secrets)).toEqual(["SECRET_IN_BUILD services.web.build.args.DATABASE_URL"]);
    expect(JSON.stringify(checkBuildVariables(stackWith(args), secrets))).not.toContain("hunter2");
  });
});

describe("tracked .env files", () => {
  it("R-101: names them, but not the examples", () => {
    const paths = [".env", "apps/api/.env.production", ".env.example", "src/.env.template", "env", "x.env"];
    expect(trackedEnvFiles(paths)).toEqual([".env", "apps/api/.env.production"]);
  });
});
