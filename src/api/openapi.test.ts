import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openApiFile, openApiText } from "./openapi.ts";
import { permissionsFile, permissionsPage } from "./permissions-page.ts";

const root = join(import.meta.dirname, "../..");

describe("docs/openapi.json", () => {
  it("is what the contract says (npm run docs writes it)", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(readFileSync(join(root, openApiFile), "utf8")).toBe(openApiText(version));
  });

  it("has a page of permissions beside it that is what the contract says (npm run docs writes it)", () => {
    expect(readFileSync(join(root, permissionsFile), "utf8")).toBe(permissionsPage());
  });

  it("describes every operation with its input, its success and the error form", () => {
    const document = JSON.parse(openApiText("0")) as {
      paths: Record<string, Record<string, { summary: string; parameters?: unknown; responses: object }>>;
    };
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(operations.length).toBeGreaterThan(25);
    for (const operation of operations) {
      expect(operation.summary).not.toBe("");
      expect(Object.keys(operation.responses)).toContain("default");
    }
    expect(document.paths["/api/v1/stacks/{stack}/{environment}/logs"]?.["get"]?.parameters).toContainEqual(
      expect.objectContaining({ name: "tail", in: "query", required: false }),
    );
  });
});
