import { baseName } from "../lib/posix-path.ts";
import { defaultJobTimeoutSeconds, type Job, type JobFilter, type Pipeline } from "./pipeline.ts";
import { plainText, readCondition, resolveText, type Scope } from "./workflow-expressions.ts";
import { readServices } from "./workflow-services.ts";
import {
  list,
  mapping,
  readSource,
  scalar,
  textList,
  type Unsupported,
  type WorkflowSource,
} from "./workflow-source.ts";
import { readFolder, readSteps, readVariables } from "./workflow-steps.ts";
import { filterOf, readTriggers } from "./workflow-triggers.ts";

export type ReadWorkflow = {
  /** Absent when the file is no workflow at all. */
  pipeline?: Pipeline;
  /** What is not done as written, by line. */
  unsupported: readonly Unsupported[];
};

/** Whether a file of a repository is a workflow of GitHub, Gitea or Forgejo. */
export function isWorkflowFile(path: string): boolean {
  return /(^|\/)\.(github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/.test(path);
}

/** A matrix beyond this is not expanded. */
const maxCombinations = 32;
const maxJobs = 100;

/**
 * Reads what a workflow file says about jobs and their `run` steps. What cannot be honoured is told and left out, and
 * with a job all that need it: nothing may pass because a check was left out before it. Never throws.
 */
export function readWorkflow(file: string, text: string): ReadWorkflow {
  const source = readSource(file, text);
  const jobs = mapping(mapping(source.value)["jobs"]);
  if (Object.keys(jobs).length === 0) {
    if (source.unsupported.length === 0) source.tell([], "the file has no jobs");
    return { unsupported: source.unsupported };
  }
  const written = scalar(mapping(source.value)["name"]) ?? baseName(file).replace(/\.ya?ml$/, "");
  const expanded = new Map<string, Job[]>();
  for (const [id, job] of Object.entries(jobs).slice(0, maxJobs))
    expanded.set(id, readJob(source, id, mapping(job)));
  for (const id of Object.keys(jobs).slice(maxJobs))
    source.tell(["jobs", id], `more than ${maxJobs} jobs are not read`);
  const pipeline = { name: written, on: readTriggers(source), jobs: connect(source, expanded) };
  return { pipeline, unsupported: source.unsupported.toSorted((a, b) => a.line - b.line) };
}

/** One job for each combination of the matrix; none when the job cannot be honoured. */
function readJob(source: WorkflowSource, id: string, job: Readonly<Record<string, unknown>>): Job[] {
  const at = ["jobs", id];
  const obstacle = obstacleOf(job);
  if (obstacle !== undefined) {
    source.tell([...at, obstacle.key], `${obstacle.reason}, the job is left out`);
    return [];
  }
  const when = readWhen(source, id, job["if"]);
  if (when === undefined) return [];
  for (const key of ["container", "outputs", "environment"])
    if (job[key] !== undefined) source.tell([...at, key], ignored[key] ?? "");
  const name = id.replaceAll(/[^\w-]/g, "-");
  return combinations(source, id, job["strategy"]).flatMap((matrix) => {
    const suffix = Object.values(matrix).map((value) => `-${value.replaceAll(/[^\w.-]+/g, "-")}`);
    const one = readOne(source, id, job, matrix);
    return one === undefined ? [] : [{ ...one, name: `${name}${suffix.join("")}`, ...when }];
  });
}

const ignored: Readonly<Record<string, string>> = {
  container: "the steps run on the runner's own system, not in this image",
  outputs: "outputs of a job do not reach other jobs",
  environment:
    "its protection rules are the forge's; approvals are asked for by the environments of the stack",
};

function obstacleOf(job: Readonly<Record<string, unknown>>): { key: string; reason: string } | undefined {
  if (job["uses"] !== undefined) return { key: "uses", reason: "workflows are not taken from other files" };
  const system = textList(job["runs-on"]).find((label) => /windows|macos/i.test(label));
  if (system !== undefined) return { key: "runs-on", reason: `there is no runner for ${system}` };
  return list(job["steps"]).length === 0 ? { key: "steps", reason: "it has no steps" } : undefined;
}

function readWhen(source: WorkflowSource, id: string, value: unknown): { when?: JobFilter } | undefined {
  const condition = scalar(value);
  if (condition === undefined) return {};
  const comparisons = readCondition(condition);
  const filter = comparisons === undefined ? undefined : filterOf(comparisons);
  if (filter === undefined) {
    source.tell(["jobs", id, "if"], "this condition cannot be decided here, the job is left out");
    return undefined;
  }
  return Object.keys(filter).length === 0 ? {} : { when: filter };
}

function combinations(source: WorkflowSource, id: string, strategy: unknown): Record<string, string>[] {
  const matrix = mapping(strategy)["matrix"];
  const at = ["jobs", id, "strategy", "matrix"];
  if (typeof matrix === "string") source.tell(at, "a computed matrix is not known here, the job runs once");
  let found: Record<string, string>[] = [{}];
  for (const [axis, values] of Object.entries(mapping(matrix))) {
    const texts = textList(values);
    if (axis === "include" || axis === "exclude")
      source.tell([...at, axis], `${axis} of a matrix is not honoured`);
    else if (texts.length === 0 || found.length * texts.length > maxCombinations)
      source.tell(
        [...at, axis],
        `this axis is not expanded: it needs one to ${maxCombinations} plain values in all`,
      );
    else found = found.flatMap((one) => texts.map((text) => ({ ...one, [axis]: text })));
  }
  return found;
}

function readOne(
  source: WorkflowSource,
  id: string,
  job: Readonly<Record<string, unknown>>,
  matrix: Readonly<Record<string, string>>,
): Job | undefined {
  const at = ["jobs", id];
  const top = mapping(source.value);
  const shared = readVariables(source, ["env"], top["env"], { matrix, env: {} });
  const own = readVariables(source, [...at, "env"], job["env"], { matrix, env: shared.plain });
  const scope: Scope = { matrix, env: { ...shared.plain, ...own.plain } };
  const run = { ...mapping(mapping(top["defaults"])["run"]), ...mapping(mapping(job["defaults"])["run"]) };
  const folder = readFolder(run["working-directory"], scope);
  if (typeof folder === "object") {
    const keys =
      mapping(job["defaults"])["run"] === undefined ? ["defaults", "run"] : [...at, "defaults", "run"];
    source.tell([...keys, "working-directory"], `${folder.reason}, the job is left out`);
    return undefined;
  }
  const minutes = Number(plainText(resolveText(scalar(job["timeout-minutes"]) ?? "", scope)));
  const timeoutSeconds = minutes > 0 ? minutes * 60 : defaultJobTimeoutSeconds;
  const shell = scalar(run["shell"]);
  const steps = readSteps(source, [...at, "steps"], job["steps"], {
    scope,
    timeoutSeconds,
    exports: shared.exports + own.exports,
    ...(shell === undefined ? {} : { shell }),
  });
  const services = readServices(source, [...at, "services"], job["services"], [
    scope.env,
    ...steps.steps.map(({ env }) => env),
  ]);
  const given = new Set(services.map(({ variable }) => variable));
  const rest = (env: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(env).filter(([name]) => !given.has(name)));
  return {
    name: id,
    needs: textList(job["needs"]),
    folder: folder ?? ".",
    steps: steps.steps.map((step) => ({ ...step, env: rest(step.env) })),
    services,
    caches: [...new Set(steps.caches)],
    artefacts: [...new Set(steps.artefacts)],
    secrets: [...new Set([...shared.secrets, ...own.secrets, ...steps.secrets])],
    env: rest({ CI: "true", ...scope.env }),
    timeoutSeconds,
    limits: {},
    ...(job["continue-on-error"] === true ? { continueOnError: true } : {}),
  };
}

/** Gives every need the names of the expanded jobs; without all that a job needs it is left out as well. */
function connect(source: WorkflowSource, expanded: ReadonlyMap<string, readonly Job[]>): Job[] {
  const sound = new Set<string>();
  const needsOf = (id: string) => expanded.get(id)?.[0]?.needs ?? [];
  const open = [...expanded].filter(([, jobs]) => jobs.length > 0).map(([id]) => id);
  // Each round finds at least one job, or is the last.
  for (let round = 0; round <= expanded.size; round += 1)
    for (const id of open) if (needsOf(id).every((need) => sound.has(need))) sound.add(id);
  for (const id of open.filter((one) => !sound.has(one))) {
    const missing = needsOf(id).find((need) => !sound.has(need)) ?? "";
    const why = expanded.has(missing) ? "is left out or waits for it in turn" : "does not exist";
    source.tell(["jobs", id, "needs"], `it needs ${missing}, which ${why}; this job is left out as well`);
  }
  const named = withUniqueNames(new Map([...expanded].filter(([id]) => sound.has(id))));
  const names = (need: string) => (named.get(need) ?? []).map(({ name }) => name);
  return [...named.values()].flat().map((job) => ({ ...job, needs: [...new Set(job.needs.flatMap(names))] }));
}

/** Ids and values of a matrix have characters that names may not have, so two of them may become alike. */
function withUniqueNames(expanded: ReadonlyMap<string, readonly Job[]>): Map<string, Job[]> {
  const taken = new Set<string>();
  const unique = (job: Job): Job => {
    let name = job.name;
    for (let number = 2; taken.has(name); number += 1) name = `${job.name}-${number}`;
    taken.add(name);
    return { ...job, name };
  };
  return new Map([...expanded].map(([id, jobs]) => [id, jobs.map(unique)]));
}
