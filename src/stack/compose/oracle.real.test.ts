import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasErrors } from "../problem.ts";
import { corpusCases, corpusEnvironment, loadFromDisk } from "./corpus-support.ts";
import { project } from "./generate-support.ts";

/**
 * Differential test against the reference implementation (`docker compose config --format json`), version 2.26 exactly:
 * others print some values differently. The corpus folder `newer` needs a younger one and is held only by the golden
 * test. Deliberate differences:
 *
 * | what | reference | ours | why |
 * |---|---|---|---|
 * | `$` in values | printed as `$$` | printed as `$` | our model is used, not interpolated again |
 * | `x-*` below the top level | left out of JSON | kept | `x-roadstead` lives there |
 * | empty `networks`, `volumes`, `secrets`, `configs` | left out | `{}` | readers need no undefined check |
 * | `blkio_config` entries | `Path`, `Rate`, `Weight` | lower case | the specification's spelling |
 * | `mode` of secrets and configs | 2.26: decimal number | octal text | what newer references print |
 * | `mem_swappiness` | text | number | it is a percentage, not a size |
 * | `models` at the top level | left out of JSON | kept | a stack has to know them |
 * | alias bombs (refused/billion-laughs) | expanded until memory ends, so not asked | refused | one file must not exhaust the control plane |
 * | `[]` in the first of several files | refused ("must be a list") | an empty list | a defect of 2.26; generated files have none |
 */
const notAsked = ["refused/billion-laughs"];

function findOracle(): string | undefined {
  const named = process.env["ROADSTEAD_COMPOSE_ORACLE"];
  const folders = [
    ...(process.env["PATH"] ?? "").split(":"),
    "/usr/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
  ];
  const candidates = named ? [named] : folders.map((folder) => join(folder, "docker-compose"));
  return candidates.find((candidate) => {
    if (!existsSync(candidate)) return false;
    const version =
      spawnSync(candidate, ["version", "--short"], { encoding: "utf8", timeout: 10_000 }).stdout ?? "";
    return /^v?2\.26\./.test(version);
  });
}

const oracle = findOracle();
const reason =
  "no docker compose 2.26 found; run scripts/install-compose-oracle.sh or set ROADSTEAD_COMPOSE_ORACLE";
if (oracle === undefined) {
  if (process.env["CI"] === "true") throw new Error(reason);
  process.stderr.write(`skipped: Compose oracle test: ${reason}\n`);
}

function ask(files: readonly string[]): { refused: string } | { printed: unknown } {
  const argv = [...files.flatMap((file) => ["-f", file]), "config", "--format", "json"];
  const outcome = spawnSync(oracle ?? "", argv, {
    encoding: "utf8",
    env: { ...corpusEnvironment },
    timeout: 60_000,
  });
  if (outcome.status !== 0) return { refused: outcome.stderr };
  return { printed: fromReference(JSON.parse(outcome.stdout), []) };
}

function fromReference(value: unknown, path: readonly string[]): unknown {
  if (typeof value === "string") return value.replaceAll("$$", "$");
  if (Array.isArray(value)) return value.map((item) => fromReference(item, path));
  if (value === null || typeof value !== "object") return value;
  const grant = path.includes("secrets") || path.includes("configs");
  const convert = (key: string, item: unknown): unknown => {
    if (key === "mode" && grant && typeof item === "number") return `0${item.toString(8)}`;
    return key === "mem_swappiness" ? Number(item) : fromReference(item, [...path, key]);
  };
  const spelling = (key: string) =>
    path.includes("blkio_config") ? key.toLowerCase() : key.replaceAll("$$", "$");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [spelling(key), convert(key, item)]));
}

/** Our model without what the reference leaves out. */
function asPrinted(value: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => asPrinted(item, [...path, "[]"]));
  if (value === null || typeof value !== "object") return value;
  const inExtension = path[0]?.startsWith("x-") ?? false;
  const kept = Object.entries(value).filter(([key, item]) => {
    if (path.length === 0) return key !== "models" && !(key !== "services" && isEmptySection(key, item));
    return inExtension || !key.startsWith("x-");
  });
  return Object.fromEntries(kept.map(([key, item]) => [key, asPrinted(item, [...path, key])]));
}

function isEmptySection(key: string, value: unknown): boolean {
  return (
    ["networks", "volumes", "secrets", "configs"].includes(key) && Object.keys(value as object).length === 0
  );
}

/** Both refuse, or both print the same. */
function expectAgreement(name: string, files: readonly string[]): "same" | "refused" {
  const ours = loadFromDisk(files);
  const theirs = ask(files);
  const refused = hasErrors(ours.problems);
  if ("refused" in theirs) {
    expect(refused, `${name}: the reference refuses it: ${theirs.refused}`).toBe(true);
    return "refused";
  }
  expect(
    ours.problems.filter(({ severity }) => severity === "error"),
    name,
  ).toEqual([]);
  expect(asPrinted(ours.model), name).toEqual(theirs.printed);
  return "same";
}

describe.skipIf(oracle === undefined)("agrees with docker compose config (R-016)", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "compose-oracle-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const cases = corpusCases().filter(({ name, kind }) => kind !== "newer" && !notAsked.includes(name));
  it.each(cases)("on the corpus file $name", ({ name, files }) => {
    expectAgreement(name, files);
  });

  it("on 240 generated projects, most of which are valid", () => {
    const count = { same: 0, refused: 0 };
    fc.sample(project, { seed: 20_261, numRuns: 240 }).forEach(({ base, override }, index) => {
      const files = [join(folder, `base-${index}.yaml`), join(folder, `override-${index}.yaml`)].slice(
        0,
        override === null ? 1 : 2,
      );
      writeFileSync(files[0] ?? "", JSON.stringify(base, null, 1));
      if (files[1]) writeFileSync(files[1], JSON.stringify(override, null, 1));
      count[expectAgreement(`generated ${index}: ${JSON.stringify({ base, override })}`, files)] += 1;
    });
    process.stderr.write(
      `oracle: ${count.same} generated projects print the same, ${count.refused} are refused by both\n`,
    );
    expect(count.same).toBeGreaterThan(150);
  }, 300_000);
});
