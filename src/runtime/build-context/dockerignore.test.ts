import { describe, expect, it } from "vitest";
import { parseDockerignore } from "./dockerignore.ts";

describe(".dockerignore", () => {
  it.each([
    ["node_modules", "node_modules/a/b.js", true],
    ["node_modules", "packages/a/node_modules/b.js", false],
    ["**/node_modules", "packages/a/node_modules/b.js", true],
    ["**/node_modules", "node_modules/b.js", true],
    ["*.log", "a.log", true],
    ["*.log", "logs/a.log", false],
    ["**/*.log", "logs/a.log", true],
    ["/dist/", "dist/a.js", true],
    ["./dist", "dist/a.js", true],
    ["docs/**", "docs/a/b.md", true],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["[ab].txt", "b.txt", true],
    ["[ab].txt", "c.txt", false],
    ["*\n!keep.txt", "keep.txt", false],
    ["*\n!keep.txt", "other.txt", true],
    ["!keep.txt\n*", "keep.txt", true],
    ["docs\n!docs/keep.md", "docs/keep.md", false],
    ["# secret\n", "# secret", false],
    ["a.b", "axb", false],
    ["", ".git/HEAD", true],
    ["!.git", ".git", true],
    ["", ".gitignore", false],
  ])("%j and %s: %s", (text, path, ignored) => {
    expect(parseDockerignore(text).ignores(path)).toBe(ignored);
  });
});
