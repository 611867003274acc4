import { describe, expect, it } from "vitest";
import { staleDependency } from "./lock-file.ts";

const wants = (dependencies: Record<string, string>, folder = ".") => ({ folder, dependencies });

describe("a lock file of npm (R-044)", () => {
  const lock = (packages: Record<string, object>) => JSON.stringify({ lockfileVersion: 3, packages });

  it("is stale when a dependency is missing or an exact version is another", () => {
    const text = lock({ "": {}, "node_modules/a": { version: "1.0.0" } });
    expect(staleDependency("npm", text, wants({ a: "1.0.0" }))).toBeUndefined();
    expect(staleDependency("npm", text, wants({ a: "1.0.1" }))).toEqual({
      name: "a",
      wanted: "1.0.1",
      locked: "1.0.0",
    });
    expect(staleDependency("npm", text, wants({ b: "^1.0.0" }))).toEqual({ name: "b", wanted: "^1.0.0" });
  });

  it("leaves ranges to the install step", () => {
    const text = lock({ "node_modules/a": { version: "1.2.0" } });
    expect(staleDependency("npm", text, wants({ a: "^1.1.0" }))).toBeUndefined();
  });

  it("takes the version in a member's own folder before the shared one", () => {
    const text = lock({
      "node_modules/a": { version: "1.0.0" },
      "apps/x/node_modules/a": { version: "2.0.0" },
    });
    expect(staleDependency("npm", text, wants({ a: "2.0.0" }, "apps/x"))).toBeUndefined();
    expect(staleDependency("npm", text, wants({ a: "2.0.0" }, "apps/y"))).toBeDefined();
  });

  it("is read in its oldest form too, and called unreadable when it is nothing", () => {
    const old = JSON.stringify({ lockfileVersion: 1, dependencies: { a: { version: "1.0.0" } } });
    expect(staleDependency("npm", old, wants({ a: "1.0.0" }))).toBeUndefined();
    expect(staleDependency("npm", "<<<<<<< HEAD", wants({}))).toBe("unreadable");
    expect(staleDependency("npm", "[]", wants({}))).toBe("unreadable");
  });
});

describe("a lock file of pnpm (R-044)", () => {
  const text = [
    "lockfileVersion: '9.0'",
    "importers:",
    "  .:",
    "    devDependencies:",
    "      a: {specifier: ^1.0.0, version: 1.2.0}",
    "  apps/x:",
    "    dependencies:",
    "      b: {specifier: 'workspace:*', version: 'link:../b'}",
    "packages:",
    "  not: [read",
  ].join("\n");

  it("has the range of every importer word for word", () => {
    expect(staleDependency("pnpm", text, wants({ a: "^1.0.0" }))).toBeUndefined();
    expect(staleDependency("pnpm", text, wants({ b: "workspace:*" }, "apps/x"))).toBeUndefined();
    expect(staleDependency("pnpm", text, wants({ a: "^1.1.0" }))).toEqual({
      name: "a",
      wanted: "^1.1.0",
      locked: "^1.0.0",
    });
    expect(staleDependency("pnpm", text, wants({ a: "^1.0.0" }, "apps/y"))).toEqual({
      name: "a",
      wanted: "^1.0.0",
    });
  });

  it("is read in its older forms", () => {
    expect(staleDependency("pnpm", "specifiers:\n  a: 1.0.0\n", wants({ a: "1.0.0" }))).toBeUndefined();
    const six = "dependencies:\n  a:\n    specifier: 1.0.0\n    version: 1.0.0\n";
    expect(staleDependency("pnpm", six, wants({ a: "1.0.0" }))).toBeUndefined();
    expect(staleDependency("pnpm", "{", wants({ a: "1.0.0" }))).toBe("unreadable");
  });
});

describe("a lock file of Yarn (R-044)", () => {
  it("has a key for every range, in both formats", () => {
    const classic = '"@a/b@^1.0.0", "@a/b@^1.1.0":\n  version "1.2.0"\nc@2.x:\n  version "2.0.0"\n';
    expect(staleDependency("yarn", classic, wants({ "@a/b": "^1.1.0", c: "2.x" }))).toBeUndefined();
    expect(staleDependency("yarn", classic, wants({ c: "3.x" }))).toEqual({ name: "c", wanted: "3.x" });
    const berry = '__metadata:\n  version: 8\n"c@npm:2.x, c@npm:^2.0.0":\n  version: 2.0.0\n';
    expect(staleDependency("yarn", berry, wants({ c: "^2.0.0", d: "workspace:*" }))).toBeUndefined();
  });
});
