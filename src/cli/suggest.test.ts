import { describe, expect, it } from "vitest";
import { suggest, suggestionHint } from "./suggest.ts";

describe("did you mean", () => {
  it.each([
    ["wrker", "worker"],
    ["apu", "api"],
    ["ewb", "web"],
    ["WEB", "web"],
  ])("%s is %s", (wrong, right) => {
    expect(suggest(wrong, ["web", "api", "worker", "db"])).toBe(right);
  });

  it("does not guess wildly", () => {
    expect(suggest("frontend", ["web", "api", "db"])).toBeUndefined();
    expect(suggestionHint("frontend", ["web", "api"], "service")).toBe("Known: web, api.");
    expect(suggestionHint("x", [], "stack")).toBe("There is no stack yet.");
  });
});
