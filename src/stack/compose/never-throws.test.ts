import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, it } from "vitest";
import { corpusCases } from "./corpus-support.ts";
import { generatedService, project } from "./generate-support.ts";
import { loadCompose } from "./load-compose.ts";

/** Whatever is in the files, loading gives a model or problems, never an exception, and never both or neither. */
function expectOutcome(files: readonly string[]): void {
  const { model, problems, locate } = loadCompose({
    composeFiles: files.map((_, index) => `/p/${index}.yaml`),
    projectDirectory: "/p",
    profiles: [],
    environment: { A: "1" },
    readText: (path) => files[Number(/^\/p\/(\d+)\.yaml$/.exec(path)?.[1] ?? "NaN")],
  });
  for (const { path } of problems) locate(path);
  const failed = problems.some(({ severity }) => severity === "error");
  if (failed === (model !== undefined))
    throw new Error(`model and errors disagree: ${JSON.stringify(problems)}`);
}

const texts = corpusCases().flatMap(({ files }) => files.map((file) => readFileSync(file, "utf8")));
const options = { seed: 7, numRuns: 80 };
const fragment = fc.constantFrom(
  "{",
  "}",
  "[",
  "]",
  ":",
  "- ",
  "\n",
  "  ",
  "&a ",
  "*a",
  "<<: ",
  "!reset ",
  "!override ",
  "null",
  "0",
  "$",
  "${",
  "''",
  "__proto__: 1\n",
  "extends: a",
  "\t",
);

describe("loading never throws", () => {
  it("for random text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 60 }),
          fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join("")),
        ),
        (text) => expectOutcome([text]),
      ),
      options,
    );
  });

  it("for random YAML values where a Compose file is expected", () => {
    const anything = fc
      .anything({ maxDepth: 4, withNullPrototype: false })
      .map((value) => JSON.stringify(value) ?? "");
    const section = fc.dictionary(
      fc.constantFrom(
        "services",
        "networks",
        "volumes",
        "secrets",
        "configs",
        "include",
        "name",
        "x-a",
        "models",
      ),
      fc.jsonValue({ maxDepth: 5 }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          section.map((value) => JSON.stringify(value)),
        ),
        (text) => expectOutcome([text]),
      ),
      options,
    );
  });

  it("for wrong values under every key of a service", () => {
    const wrong = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, [], {}, [null], { a: null }));
    const mutated = fc.tuple(generatedService, fc.nat(), wrong).map(([service, at, value]) => {
      const keys = Object.keys(service);
      return keys.length === 0 ? service : { ...service, [keys[at % keys.length] ?? ""]: value };
    });
    fc.assert(
      fc.property(mutated, mutated, (a, b) =>
        expectOutcome([
          JSON.stringify({ services: { a: { image: "x", ...a }, b: { extends: "a", ...b } } }),
          JSON.stringify({ services: { a: b } }),
        ]),
      ),
      options,
    );
  });

  it("for mutations of valid files", () => {
    const mutation = fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 12 }), fragment)
      .map(([text, position, length, inserted]) => {
        const at = position % (text.length + 1);
        return text.slice(0, at) + inserted + text.slice(at + length);
      });
    fc.assert(
      fc.property(mutation, fc.option(fc.constantFrom(...texts)), (text, other) =>
        expectOutcome(other === null ? [text] : [text, other]),
      ),
      options,
    );
  });

  it("for generated projects", () => {
    fc.assert(
      fc.property(project, ({ base, override }) =>
        expectOutcome([JSON.stringify(base), ...(override === null ? [] : [JSON.stringify(override)])]),
      ),
      { seed: 7, numRuns: 20 },
    );
  });
});
