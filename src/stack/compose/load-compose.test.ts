import { describe, expect, it } from "vitest";
import type { LoadedCompose, LoadInput } from "./load-compose.ts";
import { loadCompose } from "./load-compose.ts";
import { knownServiceKeys } from "./shape.ts";
import { serviceKeys } from "./support.ts";

function load(files: Record<string, string>, options: Partial<LoadInput> = {}): LoadedCompose {
  const absolute = new Map(Object.entries(files).map(([name, text]) => [`/p/shop/${name}`, text]));
  return loadCompose({
    composeFiles: ["/p/shop/compose.yaml"],
    projectDirectory: "/p/shop",
    profiles: [],
    environment: {},
    readText: (path) => absolute.get(path),
    ...options,
  });
}

const one = "services: {a: {image: x}}";

describe("project name", () => {
  it.each([
    ["the folder", { "compose.yaml": one }, {}, "shop"],
    ["name:", { "compose.yaml": `name: Nice-1\n${one}` }, {}, "nice-1"],
    [
      "COMPOSE_PROJECT_NAME",
      { "compose.yaml": `name: n\n${one}` },
      { environment: { COMPOSE_PROJECT_NAME: "env" } },
      "env",
    ],
    [".env", { "compose.yaml": one, ".env": "COMPOSE_PROJECT_NAME=dot" }, {}, "dot"],
    [
      "the option",
      { "compose.yaml": one },
      { projectName: "opt", environment: { COMPOSE_PROJECT_NAME: "env" } },
      "opt",
    ],
  ])("comes from %s", (_what, files, options, expected) => {
    expect(load(files, options).model?.name).toBe(expected);
  });

  it("must be a valid one", () => {
    expect(load({ "compose.yaml": one }, { projectName: "No Good" }).problems).toMatchObject([
      { code: "INVALID_PROJECT_NAME", fix: "use nogood" },
    ]);
  });
});

describe("problems", () => {
  it("tells all of them at once, each with file, line, column, path and fix (R-016)", () => {
    const { model, problems } = load({
      "compose.yaml":
        "services:\n  web:\n    image: 5\n    prots: [80]\n    ports: [80, {target: x}]\n    depends_on: {db: {condition: ready}}\n    volumes:\n      - 7\n",
    });
    expect(model).toBeUndefined();
    expect(problems.map(({ path, line, column }) => `${path} ${line}:${column}`)).toEqual([
      "services.web.ports[1].target 5:18",
      "services.web.image 3:5",
      "services.web.prots 4:5",
      "services.web.depends_on.db.condition 6:23",
      "services.web.volumes[0] 8:9",
    ]);
    expect(problems[2]).toMatchObject({
      code: "UNKNOWN_KEY",
      file: "/p/shop/compose.yaml",
      fix: "did you mean `ports`?",
    });
  });

  it("warns of unset variables, and names those that came from the shell", () => {
    const loaded = load(
      { "compose.yaml": "services: {a: {image: '$A$B$C'}}", ".env": "B=b" },
      { environment: { A: "a", Z: "z" } },
    );
    expect(loaded.model?.services["a"]?.image).toBe("ab");
    expect(loaded.problems).toMatchObject([
      { severity: "warning", code: "VARIABLE_NOT_SET", path: "services.a.image", line: 1 },
    ]);
    expect(loaded.variablesUsed).toEqual({ A: "a" });
  });

  it("names circles of extends, include and depends_on", () => {
    const circle = (files: Record<string, string>) =>
      load(files)
        .problems.map(({ message }) => message)
        .join();
    expect(circle({ "compose.yaml": "services: {a: {extends: b}, b: {extends: a}}" })).toContain(
      "a in /p/shop/compose.yaml -> b in",
    );
    expect(
      circle({ "compose.yaml": `include: [b.yaml]\n${one}`, "b.yaml": `include: [compose.yaml]\n${one}` }),
    ).toContain("/p/shop/compose.yaml -> /p/shop/b.yaml -> /p/shop/compose.yaml");
    expect(
      circle({
        "compose.yaml": "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}",
      }),
    ).toContain("a -> b -> a");
  });

  it("says who named a file that does not exist", () => {
    expect(load({}).problems).toMatchObject([{ code: "FILE_NOT_FOUND" }]);
    expect(load({ "compose.yaml": `include: [x.yaml]\n${one}` }).problems).toMatchObject([
      { code: "FILE_NOT_FOUND", path: "include[0]", line: 1 },
    ]);
    expect(load({ "compose.yaml": "services: {a: {image: x, env_file: no.env}}" }).problems).toMatchObject([
      { code: "FILE_NOT_FOUND", path: "services.a.env_file[0]" },
    ]);
  });
});

describe("places", () => {
  it("finds paths in the file that wrote them last, through aliases and extends", () => {
    const { locate } = load({
      "compose.yaml":
        "services:\n  a:\n    extends: {file: b.yaml, service: base}\n    image: x\n  c: &c\n    image: y\n  d: *c\n",
      "b.yaml": "services:\n  base:\n    hostname: h\n    image: z\n",
    });
    expect(locate("services.a.image")).toEqual({ file: "/p/shop/compose.yaml", line: 4, column: 5 });
    expect(locate("services.a.hostname")).toEqual({ file: "/p/shop/b.yaml", line: 3, column: 5 });
    expect(locate("services.d.image")).toMatchObject({ line: 6 });
    expect(locate("services.a.ports[0]")).toMatchObject({ line: 2 });
    expect(locate("nothing")).toBeDefined();
  });
});

describe("profiles", () => {
  const files = {
    "compose.yaml": "services: {a: {image: x}, b: {image: x, profiles: [p]}, c: {image: x, profiles: [q]}}",
  };
  it.each([
    [[], {}, "a"],
    [["p"], {}, "a,b"],
    [["*"], {}, "a,b,c"],
    [[], { COMPOSE_PROFILES: "q, p" }, "a,b,c"],
    [["p"], { COMPOSE_PROFILES: "q" }, "a,b"],
  ])("%j with %j enable %s", (profiles, environment, expected) => {
    expect(Object.keys(load(files, { profiles, environment }).model?.services ?? {}).join()).toBe(expected);
  });
});

describe("the schema", () => {
  it("has no service key that the loader does not understand", () => {
    expect(serviceKeys.filter((key) => !knownServiceKeys.includes(key))).toEqual([]);
  });
});

describe("large input", () => {
  it("refuses alias bombs fast", () => {
    const levels = Array.from(
      { length: 20 },
      (_, i) =>
        `x-${i}: &l${i} [${Array(10)
          .fill(i === 0 ? "l" : `*l${i - 1}`)
          .join(", ")}]`,
    );
    expect(load({ "compose.yaml": `${levels.join("\n")}\n${one}` }).problems).toMatchObject([
      { code: "YAML_TOO_LARGE" },
    ]);
  });

  it("refuses deep nesting", () => {
    expect(load({ "compose.yaml": `x-a: ${"[".repeat(20_000)}` }).problems[0]?.severity).toBe("error");
    expect(
      load({ "compose.yaml": `x-a: ${"[".repeat(500)}${"]".repeat(500)}\n${one}` }).problems,
    ).toMatchObject([{ code: "YAML_TOO_LARGE" }]);
  });
});

describe("settings of an earlier file", () => {
  it("says what a later file's x-roadstead takes away, at its place", () => {
    const files = {
      "compose.yaml": "services: {web: {image: x, x-roadstead: {routes: [a.test], keepWarm: 1m}}}",
      "more.yaml": "services:\n  web:\n    x-roadstead: {keepWarm: 2m}\n",
    };
    const { problems } = load(files, { composeFiles: ["/p/shop/compose.yaml", "/p/shop/more.yaml"] });
    expect(problems).toMatchObject([
      {
        severity: "warning",
        code: "SETTINGS_REPLACED",
        message: "this replaces the whole x-roadstead of an earlier file: routes is gone",
        path: "services.web.x-roadstead",
        file: "/p/shop/more.yaml",
        line: 3,
      },
    ]);
  });
});
