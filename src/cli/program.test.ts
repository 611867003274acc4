import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PlatformError } from "../lib/platform-error.ts";
import { testContext } from "./cli-support.ts";
import { commandLoaders, loadCommands } from "./command-list.ts";
import { exitsOf } from "./define-command.ts";
import { confirmationNeeded, interrupted, notFound, usageError } from "./errors.ts";
import { exitCodes } from "./exit-code.ts";
import { exitCodeOf, runCli } from "./program.ts";
import { cliReference } from "./reference.ts";

const names = Object.keys(commandLoaders);
const reference = readFileSync(join(import.meta.dirname, "../../docs/cli.md"), "utf8");

describe("every command (R-263)", () => {
  it.each(names)("%s: help with examples and exit codes, a documentation row, its own name", async (name) => {
    const context = testContext();
    expect(await runCli([name, "--help"], context)).toBe(0);
    const [spec] = await loadCommands([name]);
    expect(spec?.name).toBe(name);
    expect(context.out()).toContain("Examples:\n  roadstead ");
    expect(context.out()).toContain("--json");
    for (const code of spec ? exitsOf(spec) : []) expect(context.out()).toContain(exitCodes[code]);
    expect(reference).toContain(`| [\`${name}\`](#${name}) | ${spec?.summary} |`);
  });

  it("is in the design's table", () => {
    const wanted =
      "up check plan deploy status ps releases rollout rollback promote abort logs stats health restart stop start scale exec down";
    expect(names).toEqual(expect.arrayContaining(wanted.split(" ")));
  });

  it("is documented as it is: docs/cli.md is what `npm run docs` writes", async () => {
    expect(reference).toBe(await cliReference());
  });
});

describe("exit codes", () => {
  it.each([
    [["frobnicate"], 2, "unknown command 'frobnicate'"],
    [["stauts"], 2, "Did you mean"],
    [["deploy", "--nonsense"], 2, "unknown option '--nonsense'"],
    [["scale"], 2, "missing required argument"],
    [["scale", "api"], 2, "api is not SERVICE=COUNT"],
    [["up", "--edge", "apache"], 2, "Allowed choices are embedded, haproxy"],
    [["logs", "--tail", "many"], 2, "--tail many is not a number of lines"],
    [["check", "/nonexistent/compose.yaml"], 3, "does not exist"],
    [["status", "--host", "http://[nonsense"], 2, "is not an address"],
  ])("%j ends with %i", async (words, code, text) => {
    const context = testContext();
    expect(await runCli(words, context)).toBe(code);
    expect(context.err()).toContain(text);
    expect(context.out()).toBe("");
  });

  it("are told by the kind of failure, whoever found it", () => {
    expect(exitCodeOf(usageError("x"))).toBe(2);
    expect(exitCodeOf(notFound("x"))).toBe(3);
    expect(exitCodeOf(confirmationNeeded("x"))).toBe(4);
    expect(exitCodeOf(interrupted())).toBe(130);
    expect(exitCodeOf(new PlatformError("STACK_NOT_FOUND", "x"))).toBe(3);
    expect(exitCodeOf(new PlatformError("EDGE_DOWN", "x"))).toBe(1);
    expect(exitCodeOf(new Error("x"))).toBe(1);
  });

  it("come with one JSON document on stdout when asked for", async () => {
    const context = testContext();
    expect(await runCli(["check", "/nonexistent/compose.yaml", "--json"], context)).toBe(3);
    expect(JSON.parse(context.out())).toMatchObject({ error: { code: "BUNDLE_NO_COMPOSE_FILE" } });
  });

  it("are 130 after Ctrl-C, whatever failed because of it", async () => {
    const context = testContext({ signal: AbortSignal.abort() });
    expect(await runCli(["check", "/nonexistent/compose.yaml"], context)).toBe(130);
  });
});

describe("global options", () => {
  it.each([
    [["--home", "/nonexistent", "--json", "check", "/nonexistent/compose.yaml"]],
    [["check", "/nonexistent/compose.yaml", "--json", "--home", "/nonexistent"]],
    [["--json", "check", "/nonexistent/compose.yaml"]],
  ])("may stand before or after the command: %j", async (words) => {
    const context = testContext();
    expect(await runCli(words, context)).toBe(3);
    expect(JSON.parse(context.out())).toMatchObject({ error: { code: "BUNDLE_NO_COMPOSE_FILE" } });
  });
});

describe("without a command", () => {
  it("shows the help and ends with 0", async () => {
    const context = testContext();
    expect(await runCli([], context)).toBe(0);
    for (const name of names) expect(context.out()).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });

  it.each(["--version", "-V"])("%s prints the version", async (flag) => {
    const context = testContext({ version: "1.2.3" });
    expect(await runCli([flag], context)).toBe(0);
    expect(context.out()).toBe("1.2.3\n");
  });
});
