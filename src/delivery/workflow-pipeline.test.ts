import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { World } from "../reconciler/world-support.ts";
import { DeliveryWorld, packageWithTests } from "./delivery-support.ts";

async function pushed(workflow: string, variables: Record<string, string> = {}, settings?: unknown) {
  const world = new World();
  await world.engine.reconciler.start();
  const d = new DeliveryWorld(world, { variables: async () => variables });
  const commit = d.commit(packageWithTests, undefined, settings);
  const folder = await d.sources.checkout("shop", commit);
  mkdirSync(join(folder, ".github/workflows"), { recursive: true });
  writeFileSync(join(folder, ".github/workflows/ci.yml"), workflow);
  const run = await d.over(d.push(commit));
  return { d, run };
}

const ci = `name: CI
on: {push: {branches: [main]}}
jobs:
  check: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}, {run: npm test}]}
  windows: {runs-on: windows-latest, steps: [{run: npm test}]}
  publish:
    needs: check
    runs-on: ubuntu-latest
    env: {TOKEN: "\${{ secrets.NPM_TOKEN }}"}
    steps: [{run: npm publish}]
  ship: {needs: check, runs-on: ubuntu-latest, steps: [{run: roadstead deploy --label x}]}
  announce: {needs: publish, runs-on: ubuntu-latest, steps: [{run: echo done}]}
`;

it("does what the repository's workflow file says, and names what it can't (R-061)", async () => {
  const { d, run } = await pushed(ci);
  expect(run.state).toBe("succeeded");
  expect(d.jobs.ran).toEqual(["check"]);
  const output = d.output(run);
  expect(output).toContain(
    ".github/workflows/ci.yml:5: jobs.windows.runs-on: there is no runner for windows",
  );
  expect(output).toContain("publish is left out: NPM_TOKEN is not set here");
  expect(output).toContain("ship is left out: the run itself deploys");
  expect(output).toContain("announce is left out: it needs publish");
});

it("gives its jobs the secrets that are set here", async () => {
  const { d } = await pushed(ci, { NPM_TOKEN: "t0ken" });
  expect(d.jobs.ran).toEqual(["check", "publish", "announce"]);
});

it("derives the pipeline where no workflow is for this event, or the stack file has one of its own", async () => {
  const tags = ci.replace("push: {branches: [main]}", "push: {tags: [v*]}");
  expect((await pushed(tags)).d.jobs.ran).not.toContain("check");
  const own = { pipeline: { on: { push: true }, jobs: { mine: { steps: ["true"] } } } };
  expect((await pushed(ci, {}, own)).d.jobs.ran).toEqual(["mine"]);
});
