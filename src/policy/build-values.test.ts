import { describe, expect, it } from "vitest";
import { buildValuesOf, differingValues } from "./build-values.ts";

describe("values that are built into an image", () => {
  it("are its build arguments; one without a value is the builder's own business (R-099)", () => {
    const args = { VITE_API_URL: "https://api.test", HTTP_PROXY: null };
    expect(buildValuesOf({ build: { args } })).toEqual({ VITE_API_URL: "https://api.test" });
    expect(buildValuesOf({})).toEqual({});
  });

  it("name what differs from another environment, removed and added ones too (R-095)", () => {
    const built = [{ VITE_API_URL: "https://staging.test", MODE: "production", OLD: "1" }];
    const wanted = { VITE_API_URL: "https://api.test", MODE: "production", NEW: "1" };
    expect(differingValues(built, wanted)).toEqual(["NEW", "OLD", "VITE_API_URL"]);
    expect(differingValues(built, built[0] ?? {})).toEqual([]);
  });

  it("may have been several sets that came to the same image: the nearest counts", () => {
    const built = [{ A: "1", B: "1" }, { A: "2" }];
    expect(differingValues(built, { A: "2" })).toEqual([]);
    expect(differingValues(built, { A: "3" })).toEqual(["A"]);
    expect(differingValues([], { A: "3" }), "nothing is known of it").toEqual([]);
  });
});
