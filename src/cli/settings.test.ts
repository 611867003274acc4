import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseComposeFiles, findComposeFiles } from "../bundle/compose-files.ts";
import { testContext } from "./cli-support.ts";
import { parseSince, parseTail } from "./commands/logs.ts";
import { parseScale } from "./commands/scale.ts";
import { wantsColor } from "./context.ts";
import { formatAddress, parseAddress } from "./platform/address.ts";
import { writePlatformRecord } from "./platform/record.ts";
import { resolveHome, resolveSettings } from "./settings.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "roadstead-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("settings", () => {
  it("take the home from the option, the environment, root's folder, the user's folder", () => {
    const context = testContext({ env: { ROADSTEAD_HOME: "/from/env" }, cwd: "/work" });
    expect(resolveHome("state", context)).toBe("/work/state");
    expect(resolveHome(undefined, context)).toBe("/from/env");
    expect(resolveHome(undefined, testContext({ env: {}, isRoot: true }))).toBe("/var/lib/roadstead");
    expect(resolveHome(undefined, testContext({ env: {} }))).toBe("/home/nobody/.local/share/roadstead");
    expect(resolveHome(undefined, testContext({ env: { XDG_DATA_HOME: "/data" } }))).toBe("/data/roadstead");
  });

  it("find the address that up recorded and the token beside it", async () => {
    await writePlatformRecord(folder, {
      pid: 1,
      runtime: "process",
      edge: "embedded",
      http: "127.0.0.1:8080",
      https: "127.0.0.1:8443",
      api: "127.0.0.1:7799",
      startedAt: 0,
    });
    writeFileSync(join(folder, "token"), "secret\n");
    const context = testContext({ env: {} });
    expect(resolveSettings({ home: folder }, context)).toMatchObject({
      host: "http://127.0.0.1:7799",
      token: "secret",
      environment: "production",
      environmentNamed: false,
    });
  });

  it("let options win over the environment", () => {
    const env = { ROADSTEAD_HOST: "https://env.example/", ROADSTEAD_TOKEN: "env", ROADSTEAD_ENV: "staging" };
    expect(resolveSettings({ home: folder }, testContext({ env }))).toMatchObject({
      host: "https://env.example",
      token: "env",
      environment: "staging",
      environmentNamed: true,
    });
    const options = { home: folder, host: "box:7700", token: "option", env: "production" };
    expect(resolveSettings(options, testContext({ env }))).toMatchObject({
      host: "http://box:7700",
      token: "option",
      environment: "production",
    });
  });
});

describe("compose files", () => {
  it("are found like Compose finds them: upwards, with the override beside", () => {
    const inner = join(folder, "a", "b");
    mkdirSync(inner, { recursive: true });
    for (const name of ["docker-compose.yml", "compose.yml", "compose.override.yml"])
      writeFileSync(join(folder, name), "services: {}\n");
    expect(findComposeFiles(inner)).toEqual({
      files: [join(folder, "compose.yml"), join(folder, "compose.override.yml")],
      projectDirectory: folder,
    });
  });

  it("that are named win, without an override; a folder means its default files", () => {
    writeFileSync(join(folder, "compose.yaml"), "services: {}\n");
    writeFileSync(join(folder, "compose.override.yaml"), "services: {}\n");
    expect(chooseComposeFiles(["compose.yaml"], folder).files).toEqual([join(folder, "compose.yaml")]);
    expect(chooseComposeFiles(["."], folder).files).toHaveLength(2);
    expect(() => chooseComposeFiles(["none.yaml"], folder)).toThrow("none.yaml does not exist");
  });
});

describe("words on the command line", () => {
  it("addresses", () => {
    expect(parseAddress("8080", "--http")).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(parseAddress("0.0.0.0:80", "--http")).toEqual({ host: "0.0.0.0", port: 80 });
    expect(formatAddress(parseAddress("[::1]:8443", "--https"))).toBe("[::1]:8443");
    for (const bad of ["", "x", "1.2.3.4", "h:0", "h:70000", "a b:80x"])
      expect(() => parseAddress(bad, "--api")).toThrow("is not an address");
  });

  it("scale, tail and since", () => {
    expect(parseScale(["api=3", "web=0"])).toEqual({ api: 3, web: 0 });
    for (const bad of ["api", "api=", "=3", "api=-1", "api=x"])
      expect(() => parseScale([bad])).toThrow("is not SERVICE=COUNT");
    expect([parseTail(undefined), parseTail("5"), parseTail("all")]).toEqual([100, 5, undefined]);
    expect(parseSince("10m", 1_000_000)).toBe(400_000);
    expect(parseSince("1970-01-01T00:00:01Z", 0)).toBe(1000);
    expect(() => parseSince("yesterday", 0)).toThrow("neither a duration nor a time");
  });
});

describe("colour", () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { TERM: "dumb" }, false],
    [false, { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
  ])("terminal %s with %j: %s", (isTTY, env, wanted) => {
    expect(wantsColor({ isTTY, write: () => true }, env)).toBe(wanted);
  });
});
