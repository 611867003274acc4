import { describe, expect, it } from "vitest";
import { positionOfJsonError } from "./json-position.ts";

describe("positionOfJsonError", () => {
  it.each([
    ['{"a": hunter2}', 6],
    ['{"a": 1,}', 8],
    ["[1 2]", 3],
    ["[1,]", 3],
    ['{"a" 1}', 5],
    ["{a: 1}", 1],
    ['{"a": "unfinished', 6],
    ['{"a": [1, {"b": null}', 21],
    ["{} {}", 3],
    ["[}", 1],
    ['{"a": 01}', 7],
    ['{"a": "\\x"}', 6],
    ["", 0],
  ])("finds where %s goes wrong", (text, position) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(positionOfJsonError(text)).toBe(position);
  });

  it("bears a long text", () => {
    expect(positionOfJsonError(`{"a": "${"x".repeat(5_000_000)}", b}`)).toBe(5_000_010);
  });
});
