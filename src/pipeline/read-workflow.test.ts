// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions of workflows, and variables of the scripts made from them, look like this
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { stepGroups } from "./pipeline.ts";
import { summaryOf } from "./pipeline-support.ts";
import { isWorkflowFile, readWorkflow } from "./read-workflow.ts";

const file = ".github/workflows/ci.yml";

function read(text: string) {
  const { pipeline, unsupported } = readWorkflow(file, text);
  return {
    pipeline,
    jobs: pipeline?.jobs ?? [],
    summaries: (pipeline?.jobs ?? []).map(summaryOf),
    told: unsupported.map(({ line, path, reason }) => `${line} ${path}: ${reason}`),
  };
}

/** One job with these steps, as YAML texts. */
const oneJob = (steps: string, job = "") =>
  `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n${job}    steps:\n${steps}`;

describe("readWorkflow on the workflows of the reference stacks", () => {
  it("reads bot and dashboard of seed 000 (R-061)", () => {
    const { pipeline, summaries, told } = read(`name: CI/CD
on:
  push: { branches: [main] }
  pull_request:
jobs:
  bot:
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres:16-alpine
        env: { POSTGRES_PASSWORD: test }
        ports: ["5432:5432"]
    env:
      DATABASE_URL: postgres://postgres:test@localhost:5432/postgres
    steps:
      - uses: actions/checkout@v4
      - uses: https://github.com/actions/setup-node@v4
        with: { node-version: 22, cache: npm }
      - run: npm ci
      - { name: Lint, run: npm run lint }
      - run: npm run build
      - run: npm test
  dashboard:
    runs-on: ubuntu-latest
    defaults: { run: { working-directory: ./admin-dashboard } }
    steps:
      - uses: actions/checkout@v4
      - run: npm ci
      - run: npm run build
  deploy:
    needs: [bot, dashboard]
    if: github.ref == 'refs/heads/main' && github.event_name == 'push'
    runs-on: ubuntu-latest
    steps:
      - run: 'curl -X POST -H "Authorization: Bearer \${{ secrets.COOLIFY_TOKEN }}" "$URL"'
        env: { URL: "\${{ secrets.COOLIFY_WEBHOOK }}" }
`);
    expect(told).toEqual([]);
    expect(summaries).toEqual([
      "bot (.): npm ci | Lint | npm run build | npm test",
      "dashboard (admin-dashboard): npm ci | npm run build",
      expect.stringMatching(/^deploy \(\.\) after bot, dashboard: curl/),
    ]);
    const [bot, , deploy] = pipeline?.jobs ?? [];
    expect(bot).toMatchObject({
      services: [{ kind: "postgres", version: "16", variable: "DATABASE_URL" }],
      env: { CI: "true" },
      caches: ["~/.npm"],
    });
    expect(deploy?.when).toEqual({ branches: ["main"], events: ["push", "tag"] });
    expect(deploy?.secrets).toEqual(["COOLIFY_TOKEN", "COOLIFY_WEBHOOK"]);
    expect(deploy?.steps[0]?.run).toBe(
      'export URL="${COOLIFY_WEBHOOK}"\ncurl -X POST -H "Authorization: Bearer ${COOLIFY_TOKEN}" "$URL"',
    );
    expect(pipeline).toMatchObject({
      name: "CI/CD",
      on: { push: { branches: ["main"] }, pullRequest: { branches: ["**"] } },
    });
  });

  it("reads the job graph of seed 002 and names the actions that it cannot do (R-067)", () => {
    const { summaries, told } = read(`on: { push: { branches: [main], paths-ignore: ["docs/**"] } }
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: pnpm/action-setup@v4
      - run: pnpm install --frozen-lockfile
      - run: pnpm lint
  types:
    runs-on: ubuntu-latest
    steps:
      - run: pnpm install --frozen-lockfile
      - run: pnpm type-check
  image:
    needs: [lint, types]
    runs-on: ubuntu-latest
    steps:
      - uses: docker/build-push-action@v6
        with: { tags: "ghcr.io/manacore/chat-backend:main" }
      - run: echo built
`);
    expect(summaries).toEqual([
      "lint (.): pnpm install --frozen-lockfile | pnpm lint",
      "types (.): pnpm install --frozen-lockfile | pnpm type-check",
      "image (.) after lint, types: echo built",
    ]);
    expect(told).toEqual([
      "19 jobs.image.steps[0].uses: the action docker/build-push-action@v6 is not known here, the step is left out",
    ]);
  });

  it("reads the manual workflows of seed 003 and its deploy by SSH (R-073)", () => {
    const manual = read(`on:
  workflow_dispatch:
    inputs:
      version: { required: true, default: latest }
${oneJob("      - run: docker build -t backend:${{ inputs.version }} .\n").replace("on: push\n", "")}`);
    expect(manual.pipeline?.on).toEqual({
      manual: { inputs: [{ name: "version", required: true, default: "latest" }] },
    });
    expect(manual.jobs[0]?.steps[0]?.run).toBe("docker build -t backend:${INPUT_VERSION} .");
    const deploy = read(
      `on:\n  push: { branches: [main, master] }\n  workflow_dispatch:\n${oneJob("      - run: sh scripts/deploy.sh\n").replace("on: push\n", "")}`,
    );
    expect(deploy.pipeline?.on).toEqual({ push: { branches: ["main", "master"] }, manual: { inputs: [] } });
    expect(deploy.told).toEqual([]);
  });
});

describe("readWorkflow", () => {
  it("expands a matrix and what needs it", () => {
    const { summaries, jobs, told } = read(`on: push
jobs:
  test:
    strategy: { matrix: { node: [20, 22.x], exclude: [{ node: 20 }] } }
    steps:
      - { name: "test \${{ matrix.node }}", run: "use \${{ matrix.node }}" }
  after:
    needs: test
    steps: [{ run: echo }]
`);
    expect(summaries).toEqual([
      "test-20 (.): test 20",
      "test-22.x (.): test 22.x",
      "after (.) after test-20, test-22.x: echo",
    ]);
    expect(jobs[1]?.steps[0]?.run).toBe("use 22.x");
    expect(told).toEqual(["4 jobs.test.strategy.matrix.exclude: exclude of a matrix is not honoured"]);
  });

  it.each([
    [
      "      - run: echo ${{ steps.x.outputs.y }}\n",
      "6 jobs.a.steps[0].run: ${{ steps.x.outputs.y }} is not known here",
    ],
    [
      "      - run: echo '${{ github.sha }}'\n",
      "6 jobs.a.steps[0].run: an expression stands in single quotes",
    ],
    [
      "      - run: x\n        if: failure()\n",
      "7 jobs.a.steps[0].if: this condition cannot be decided here",
    ],
    ["      - run: x\n        shell: pwsh\n", "7 jobs.a.steps[0].shell: the shell pwsh is not offered"],
    [
      "      - run: x\n        working-directory: ../x\n",
      "7 jobs.a.steps[0].working-directory: ../x is not a known folder",
    ],
    ["      - uses: foo/bar@v1\n", "6 jobs.a.steps[0].uses: the action foo/bar@v1 is not known here"],
    [
      "      - nothing: here\n",
      "6 jobs.a.steps[0]: a step without run or uses does nothing, the step is left out",
    ],
  ])("names what it leaves out of %j, with its line", (steps, expected) => {
    const { told, jobs } = read(oneJob(steps));
    expect(told).toEqual([expect.stringContaining(expected)]);
    expect(jobs[0]?.steps).toEqual([]);
  });

  it.each([
    ["    uses: ./.github/workflows/x.yml\n", "workflows are not taken from other files"],
    ["    runs-on: windows-latest\n    steps: [{ run: x }]\n", "there is no runner for windows-latest"],
    ["    if: always()\n    steps: [{ run: x }]\n", "this condition cannot be decided here"],
    ["    runs-on: ubuntu-latest\n", "it has no steps"],
    [
      "    defaults: { run: { working-directory: /x } }\n    steps: [{ run: x }]\n",
      "/x is not a known folder",
    ],
  ])("leaves out a job and all that need it: %j", (job, reason) => {
    const { told, jobs } = read(
      `on: push\njobs:\n  gate:\n${job}  deploy:\n    needs: gate\n    steps: [{ run: x }]\n  after: { needs: [deploy], steps: [{ run: x }] }\n  free: { steps: [{ run: x }] }\n`,
    );
    expect(jobs.map(({ name }) => name)).toEqual(["free"]);
    expect(told).toHaveLength(3);
    expect(told[0]).toContain(reason);
    expect(told[1]).toContain("it needs gate");
    expect(told[2]).toContain("it needs deploy");
  });

  it("leaves out jobs that wait for each other or for nobody", () => {
    const job = (needs: string) => `{ needs: ${needs}, steps: [{ run: x }] }`;
    const { jobs, told } = read(
      `on: push\njobs:\n  a: ${job("b")}\n  b: ${job("a")}\n  c: ${job("nobody")}\n`,
    );
    expect(jobs).toEqual([]);
    expect(told.map((text) => text.slice(0, 2))).toEqual(["3 ", "4 ", "5 "]);
  });

  it("takes caches, artefacts, time-outs and failures that do not matter", () => {
    const { jobs, told } = read(
      oneJob(
        `      - { uses: actions/cache@v4, with: { path: "~/.cache/x\\nnode_modules", key: k } }
      - { uses: actions/upload-artifact@v4, with: { path: coverage/ } }
      - { run: audit, continue-on-error: true, timeout-minutes: 2 }
`,
        "    timeout-minutes: 10\n    continue-on-error: true\n",
      ),
    );
    expect(told).toEqual([]);
    expect(jobs[0]).toMatchObject({
      caches: ["~/.cache/x", "node_modules"],
      artefacts: ["coverage"],
      timeoutSeconds: 600,
      continueOnError: true,
    });
    expect(jobs[0]?.steps[0]).toMatchObject({ run: "trap 'exit 0' EXIT\naudit", timeoutSeconds: 120 });
  });

  it("makes scripts that a shell runs as written: conditions, values of run time, Bash", () => {
    const { jobs, told } = read(
      oneJob(
        `      - name: only main
        if: github.ref_name == 'main'
        run: echo no
      - name: bash
        shell: bash
        env: { WHO: "a \\"b\\" $c \${{ github.sha }}" }
        run: |
          list=(one two)
          [[ \${#list[@]} == 2 ]] && echo "\${list[1]} $WHO \${{ github.ref_name }} 'q'"
      - name: soft
        continue-on-error: true
        run: "false"
`,
      ),
    );
    expect(told).toEqual([]);
    const env = { PATH: process.env["PATH"], GITHUB_SHA: "abc", GITHUB_REF_NAME: "dev" };
    const output = stepGroups(jobs[0] ?? expect.fail("no job"))
      .flat()
      .map(({ run }) =>
        execFileSync("/bin/sh", ["-e", "-c", run], {
          env,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "inherit"],
        }),
      );
    expect(output).toEqual(["", "two a \"b\" $c abc dev 'q'\n", ""]);
  });

  it("says where a server is when no variable has a URL for it, and which servers there are not", () => {
    const { jobs, told } = read(
      oneJob("      - run: x\n", "    services: { cache: { image: redis }, db: { image: mysql:8 } }\n"),
    );
    expect(jobs[0]?.services).toEqual([{ kind: "redis", version: "7", variable: "REDIS_URL" }]);
    expect(told).toEqual([
      expect.stringContaining("the steps find it in REDIS_URL"),
      expect.stringContaining("mysql:8 is not started"),
    ]);
  });

  it.each<[string, unknown]>([
    ["push", { push: { branches: ["**"] }, tag: ["**"] }],
    ["[push, pull_request]", { push: { branches: ["**"] }, tag: ["**"], pullRequest: { branches: ["**"] } }],
    ["{ push: { tags: [v*] } }", { tag: ["v*"] }],
    ["{ push: { branches-ignore: [wip/**] } }", { push: { branches: ["**", "!wip/**"] } }],
    ["{ schedule: [{ cron: '0 3 * * *' }] }", { schedule: ["0 3 * * *"] }],
    ["{ release: { types: [published] } }", {}],
  ])("on: %s (R-073)", (on, expected) => {
    expect(read(oneJob("      - run: x\n").replace("on: push", `on: ${on}`)).pipeline?.on).toEqual(expected);
  });

  it("says what is wrong with a file that is no workflow", () => {
    expect(read("jobs: [").told[0]).toMatch(/^1 : the file is not valid YAML/);
    expect(read("a: 1").told).toEqual(["1 : the file has no jobs"]);
    expect(read("").told).toEqual(["1 : the file has no jobs"]);
    expect(read(`jobs: ${"[".repeat(5000)}`).pipeline).toBeUndefined();
  });

  it("takes any YAML without a crash, and makes no pipeline with unknown needs or names twice", () => {
    const key = fc.constantFrom(
      "on",
      "jobs",
      "steps",
      "run",
      "uses",
      "needs",
      "env",
      "if",
      "strategy",
      "matrix",
      "a",
      "b",
      "services",
      "with",
      "defaults",
      "__proto__",
    );
    const leaf = fc.oneof(
      fc.constantFrom("a", "b", "${{ x }}", "${{ secrets.A }}", "push", 3, null, true, "'"),
      fc.string(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        leaf,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 5 }),
      ),
    }));
    const jobs = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.dictionary(key, value, { maxKeys: 6 }));
    fc.assert(
      fc.property(fc.oneof(value, fc.record({ on: value, env: value, jobs })), (content) => {
        const { pipeline } = readWorkflow(file, stringify(content));
        const names = (pipeline?.jobs ?? []).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const job of pipeline?.jobs ?? []) for (const need of job.needs) expect(names).toContain(need);
      }),
      { numRuns: 300 },
    );
  });
});

it("knows the workflow files of the three forges", () => {
  const files = [
    file,
    "backend/.gitea/workflows/a.yaml",
    ".forgejo/workflows/b.yml",
    ".github/ci.yml",
    "a.yml",
  ];
  expect(files.map(isWorkflowFile)).toEqual([true, true, true, false, false]);
});
