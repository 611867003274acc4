import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JobState, type NextJobs, nextJobs } from "./next-jobs.ts";
import type { Job, Pipeline } from "./pipeline.ts";
import { stepGroups } from "./pipeline.ts";
import { aJob, aPipeline, aStep } from "./pipeline-support.ts";

const diamond = aPipeline([
  aJob("install"),
  aJob("lint", { needs: ["install"] }),
  aJob("types", { needs: ["install"] }),
  aJob("build", { needs: ["lint", "types"] }),
]);

describe("nextJobs", () => {
  it("starts independent jobs together and the rest after their needs (R-067)", () => {
    expect(nextJobs(diamond, {}, 4).start).toEqual(["install"]);
    expect(nextJobs(diamond, { install: "succeeded" }, 4).start).toEqual(["lint", "types"]);
    expect(nextJobs(diamond, { install: "succeeded", lint: "succeeded", types: "running" }, 4)).toEqual({
      start: [],
      skip: [],
    });
  });

  it("leaves no room to more than the width", () => {
    expect(nextJobs(diamond, { install: "succeeded" }, 1).start).toEqual(["lint"]);
    expect(nextJobs(diamond, { install: "succeeded", lint: "running" }, 1).start).toEqual([]);
  });

  it("skips what needs a failed job, and everything behind it", () => {
    const states: Record<string, JobState> = { install: "succeeded", lint: "failed", types: "succeeded" };
    expect(nextJobs(diamond, states, 4).skip).toEqual([{ job: "build", reason: "lint failed" }]);
    expect(nextJobs(diamond, { ...states, build: "skipped" }, 4)).toEqual({
      start: [],
      skip: [],
      verdict: "failed",
    });
  });

  it("lets a run go on after a failure that does not matter", () => {
    const pipeline = aPipeline([
      aJob("audit", { continueOnError: true }),
      aJob("build", { needs: ["audit"] }),
    ]);
    expect(nextJobs(pipeline, { audit: "failed" }, 2).start).toEqual(["build"]);
    expect(nextJobs(pipeline, { audit: "failed", build: "succeeded" }, 2).verdict).toBe("succeeded");
  });

  it("does not wait for a job that nothing has touched (R-057)", () => {
    expect(nextJobs(diamond, { install: "succeeded", lint: "spared", types: "succeeded" }, 4).start).toEqual([
      "build",
    ]);
  });

  it("calls a run with a cancelled job cancelled, and one with a failed job failed", () => {
    const pipeline = aPipeline([aJob("a"), aJob("b")]);
    expect(nextJobs(pipeline, { a: "succeeded", b: "cancelled" }, 2).verdict).toBe("cancelled");
    expect(nextJobs(pipeline, { a: "failed", b: "cancelled" }, 2).verdict).toBe("failed");
  });

  it("is over at once without jobs", () => {
    expect(nextJobs(aPipeline([]), {}, 2)).toEqual({ start: [], skip: [], verdict: "succeeded" });
  });

  it("skips jobs that need each other or nobody, instead of waiting for ever", () => {
    const pipeline = aPipeline([aJob("a", { needs: ["b"] }), aJob("b", { needs: ["a"] })]);
    expect(nextJobs(pipeline, {}, 2).skip.map(({ job }) => job)).toEqual(["a", "b"]);
    expect(nextJobs(aPipeline([aJob("a", { needs: ["x"] })]), {}, 2).skip).toEqual([
      { job: "a", reason: "it needs x, which does not exist" },
    ]);
  });
});

const names = ["a", "b", "c", "d", "e", "f", "g"];
const outcomes: JobState[] = ["succeeded", "failed", "cancelled"];

/** Any graph, cycles and unknown needs included. */
const anyPipeline = fc
  .tuple(
    ...names.map((name) =>
      fc
        .record({ needs: fc.subarray([...names, "nobody"], { maxLength: 3 }), continueOnError: fc.boolean() })
        .map((job) => aJob(name, job)),
    ),
  )
  .map((jobs) => aPipeline(jobs));

/** Needs only name earlier jobs. */
const soundPipeline = anyPipeline.map((pipeline) =>
  aPipeline(
    pipeline.jobs.map((job, index) => ({
      ...job,
      needs: job.needs.filter((need) => names.slice(0, index).includes(need)),
    })),
  ),
);

type Run = { rounds: number; last: NextJobs; states: Record<string, JobState> };

/** Plays a run: jobs end one at a time, in an order and with outcomes that `choices` decide. */
function play(
  pipeline: Pipeline,
  width: number,
  choices: readonly number[],
  watch: Watch = () => undefined,
): Run {
  const states: Record<string, JobState> = {};
  for (let rounds = 1; rounds <= 100; rounds += 1) {
    const next = nextJobs(pipeline, states, width);
    watch(next, states);
    if (next.verdict !== undefined) return { rounds, last: next, states };
    for (const { job } of next.skip) states[job] = "skipped";
    for (const job of next.start) states[job] = "running";
    const running = Object.keys(states).filter((job) => states[job] === "running");
    const choice = choices[rounds % choices.length] ?? 0;
    const ending = running[choice % Math.max(1, running.length)];
    if (ending !== undefined) states[ending] = outcomes[choice % outcomes.length] ?? "succeeded";
  }
  throw new Error("the run never ended");
}

type Watch = (next: NextJobs, states: Record<string, JobState>) => void;

const choices = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 });

describe("every run", () => {
  it("ends, whatever the graph and the outcomes", () => {
    fc.assert(
      fc.property(anyPipeline, fc.integer({ min: -1, max: 5 }), choices, (pipeline, width, list) => {
        const { rounds, states } = play(pipeline, width, list);
        expect(rounds).toBeLessThanOrEqual(3 * names.length + 1);
        expect(Object.keys(states).toSorted()).toEqual(names);
      }),
    );
  });

  it("starts no job before its needs (R-067)", () => {
    fc.assert(
      fc.property(anyPipeline, choices, (pipeline, list) => {
        const jobs = new Map<string, Job>(pipeline.jobs.map((job) => [job.name, job]));
        play(pipeline, 3, list, (next, states) => {
          for (const name of next.start)
            for (const need of jobs.get(name)?.needs ?? []) {
              const fine =
                states[need] === "succeeded" ||
                (states[need] === "failed" && jobs.get(need)?.continueOnError);
              expect(fine, `${name} before ${need}`).toBe(true);
            }
        });
      }),
    );
  });

  it("keeps to the width, and uses it", () => {
    fc.assert(
      fc.property(soundPipeline, fc.integer({ min: 1, max: 4 }), choices, (pipeline, width, list) => {
        play(pipeline, width, list, (next, states) => {
          const running = Object.values(states).filter((state) => state === "running").length;
          expect(running + next.start.length).toBeLessThanOrEqual(width);
          if (running === 0 && next.verdict === undefined)
            expect(next.start.length + next.skip.length).toBeGreaterThan(0);
        });
      }),
    );
  });

  it("runs every job of a sound pipeline when all succeed", () => {
    fc.assert(
      fc.property(soundPipeline, (pipeline) => {
        const { states, last } = play(pipeline, 2, [0]);
        expect(Object.values(states).every((state) => state === "succeeded")).toBe(true);
        expect(last.verdict).toBe("succeeded");
      }),
    );
  });
});

describe("stepGroups", () => {
  it("puts steps that start together into one group (R-067)", () => {
    const steps = [
      aStep("install"),
      aStep("lint", { parallel: true }),
      aStep("types"),
      aStep("test", { parallel: true }),
      aStep("build"),
    ];
    const groups = stepGroups(aJob("a", { steps })).map((group) => group.map(({ name }) => name));
    expect(groups).toEqual([["install", "lint"], ["types", "test"], ["build"]]);
  });
});
