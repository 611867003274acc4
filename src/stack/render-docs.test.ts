import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readmesWithTopology, withTopology } from "../../scripts/stack-topologies.ts";
import { buildCodes, deployCodes, lintCodes, loadCodes, pipelineCodes } from "./problem-codes.ts";
import { docOf, fieldsOf, renderDocs } from "./render-docs.ts";
import * as support from "./support.ts";
import { environmentSchema, overrideSchema, stackSchema } from "./x-roadstead-schema.ts";

const root = join(import.meta.dirname, "../..");

describe("the generated reference", () => {
  it.each(Object.entries(renderDocs()))("docs/%s is what `npm run docs` writes", (name, text) => {
    expect(readFileSync(join(root, "docs", name), "utf8")).toBe(text);
  });

  it.each(readmesWithTopology())("%s has the diagram that `npm run docs` draws", (path) => {
    expect(readFileSync(join(root, path), "utf8")).toBe(withTopology(path));
  });

  it("documents every field of x-roadstead, with its default", () => {
    const check = (fields: ReturnType<typeof fieldsOf>): number =>
      Object.values(fields).reduce((count, field) => {
        expect(docOf(field).description).toMatch(/\.$/);
        return count + 1 + check(fieldsOf(field));
      }, 0);
    expect(check(fieldsOf(overrideSchema))).toBeGreaterThan(40);
    expect(check(fieldsOf(stackSchema)) + check(fieldsOf(environmentSchema))).toBeGreaterThan(8);
  });
});

describe("the support table", () => {
  type Node = { properties?: Record<string, Node>; oneOf?: Node[]; $defs?: Record<string, Node> };
  const file = join(root, "src/stack/compose/compose-spec.schema.json");
  const schema = JSON.parse(readFileSync(file, "utf8")) as Node & { definitions?: Record<string, Node> };
  const defined = (name: string) => (schema.$defs ?? schema.definitions)?.[name]?.properties ?? {};
  const build = defined("service")["build"]?.oneOf?.find((form) => form.properties)?.properties ?? {};
  it.each([
    ["top level", Object.keys(schema.properties ?? {}), support.topLevelSupport],
    ["services", Object.keys(defined("service")), support.serviceSupport],
    ["services.deploy", Object.keys(defined("deployment")), support.deploySupport],
    ["services.build", Object.keys(build), support.buildSupport],
    ["services.healthcheck", Object.keys(defined("healthcheck")), support.healthcheckSupport],
    ["networks", Object.keys(defined("network")), support.networkSupport],
    ["volumes", Object.keys(defined("volume")), support.volumeSupport],
    ["secrets", Object.keys(defined("secret")), support.secretSupport],
    ["configs", Object.keys(defined("config")), support.configSupport],
  ])("has every key of %s in the Compose schema, once (R-016)", (_section, keys, table) => {
    const listed = table.map(({ key }) => key);
    expect(new Set(listed).size).toBe(listed.length);
    expect(keys.length).toBeGreaterThan(2);
    const own = listed.filter((key) => !key.includes(".") && !key.startsWith("x-"));
    expect(own.toSorted()).toEqual(keys.toSorted());
  });
});

describe("problem codes", () => {
  const lists = [loadCodes, buildCodes, lintCodes, pipelineCodes, deployCodes];
  const listed = lists.flat().map(({ code }) => code);
  const texts = globSync(["src/{stack,pipeline,policy}/**/*.ts", "src/api/bundle.ts"], { cwd: root })
    .filter((file) => !/\.test\.ts$|support\.ts$|problem-codes\.ts$/.test(file))
    .map((file) => readFileSync(join(root, file), "utf8"));
  const used = new Set(
    texts.flatMap((text) => [...text.matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map(([, code]) => code)),
  );

  it("lists each code once", () => {
    expect(new Set(listed).size).toBe(listed.length);
  });

  it("lists no code that nothing reports", () => {
    expect(listed.filter((code) => !used.has(code))).toEqual([]);
  });

  it("lists every code that something reports", () => {
    // Names of variables look like codes.
    const variables = /^(GITHUB_|DATABASE_URL$|REDIS_URL$|COMPOSE_|POSTGRES_|MYSQL_|MARIADB_|REDISCLI_)/;
    expect([...used].filter((code) => code && !variables.test(code) && !listed.includes(code))).toEqual([]);
  });
});
