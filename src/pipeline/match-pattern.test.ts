import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesPattern, matchesPatterns } from "./match-pattern.ts";

describe("matchesPattern", () => {
  it.each([
    ["main", "main", true],
    ["main", "mai", false],
    ["feature/x", "*", false],
    ["feature/x", "**", true],
    ["feature/x", "feature/*", true],
    ["feature/x/y", "feature/*", false],
    ["feature/x/y", "feature/**", true],
    ["v1.2", "v*", true],
    ["README.md", "**/README.md", true],
    ["a/b/README.md", "**/README.md", true],
    ["a/bREADME.md", "**/README.md", false],
    ["apps/x/web/package.json", "apps/**/package.json", true],
    ["apps/package.json", "apps/**/package.json", true],
    ["src/a.ts", "src/?.ts", true],
    ["src//.ts", "src/?.ts", false],
    ["a.b", "a+b", false],
    ["", "", true],
    ["", "**", true],
  ])("%s against %s: %s (R-073)", (text, pattern, expected) => {
    expect(matchesPattern(text, pattern)).toBe(expected);
  });

  it("stays fast on a pattern made to be slow", () => {
    const started = performance.now();
    expect(matchesPattern("a".repeat(2000), `${"*a".repeat(300)}b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("fits itself when it has no wildcard, and everything with ** around it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "b", "/", ".") }), (text) => {
        expect(matchesPattern(text, text)).toBe(true);
        expect(matchesPattern(`x${text}y`, `**${text}**`)).toBe(true);
      }),
    );
  });
});

describe("matchesPatterns", () => {
  it("lets the last pattern that fits decide", () => {
    const patterns = ["**", "!release/**", "release/candidate"];
    expect(matchesPatterns("main", patterns)).toBe(true);
    expect(matchesPatterns("release/1", patterns)).toBe(false);
    expect(matchesPatterns("release/candidate", patterns)).toBe(true);
    expect(matchesPatterns("main", [])).toBe(false);
    expect(matchesPatterns("main", ["!release/**"])).toBe(false);
  });
});
