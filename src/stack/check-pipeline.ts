import type { Problem } from "./problem.ts";
import { composePath, type Locate, problemAt } from "./problem-at.ts";
import { suggest } from "./suggest.ts";

type Jobs = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/**
 * What the parts of a pipeline mean to each other: unknown needs, cycles, names. It looks at the values as they were
 * written, so that one job with a mistake does not make the others' needs look wrong.
 */
export function checkPipeline(pipeline: unknown, path: string, locate: Locate): Problem[] {
  const jobs: Jobs = new Map(
    Object.entries(mapping(mapping(pipeline)["jobs"])).map(([name, job]) => [name, mapping(job)]),
  );
  const tell = (keys: readonly PropertyKey[], code: string, message: string, fix?: string): Problem =>
    problemAt(locate, {
      severity: "error",
      code,
      message,
      path: composePath(`${path}.jobs`, keys),
      ...(fix === undefined ? {} : { fix }),
    });
  return [
    ...[...jobs.keys()].flatMap((name) => checkName(name, tell)),
    ...[...jobs].flatMap(([name, job]) => [
      ...checkNeeds(name, job, jobs, tell),
      ...checkSteps(name, job, tell),
    ]),
    ...checkCycles(jobs, tell),
  ];
}

type Tell = (keys: readonly PropertyKey[], code: string, message: string, fix?: string) => Problem;

function checkName(name: string, tell: Tell): Problem[] {
  if (/^[A-Za-z0-9][\w-]{0,62}$/.test(name)) return [];
  const message = `${JSON.stringify(name)} is not a job's name; expected letters, digits, - and _, at most 63`;
  return [tell([name], "INVALID_NAME", message)];
}

function checkNeeds(name: string, job: Readonly<Record<string, unknown>>, jobs: Jobs, tell: Tell): Problem[] {
  const needs = list(job["needs"]);
  return needs.flatMap((need, index) => {
    if (typeof need !== "string") return [];
    const at = [name, "needs", index];
    if (needs.indexOf(need) < index)
      return [tell(at, "DUPLICATE_ITEM", `${need} is listed twice`, "keep one of them")];
    if (jobs.has(need)) return [];
    const near = suggest(need, jobs.keys());
    const message = `there is no job ${need}${near === undefined ? "" : `; did you mean ${near}?`}`;
    return [tell(at, "JOB_UNKNOWN", message, near === undefined ? undefined : `write ${near}`)];
  });
}

function checkSteps(name: string, job: Readonly<Record<string, unknown>>, tell: Tell): Problem[] {
  const seen = new Set<unknown>();
  return list(job["steps"]).flatMap((step, index) => {
    const own = mapping(step)["name"];
    if (typeof own !== "string") return [];
    if (seen.has(own))
      return [
        tell([name, "steps", index, "name"], "STEP_NAME_TAKEN", `two steps of ${name} are called ${own}`),
      ];
    seen.add(own);
    return [];
  });
}

/** Each cycle once, told at the job of it that the file names first. */
function checkCycles(jobs: Jobs, tell: Tell): Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();
  const visit = (name: string, open: readonly string[]) => {
    const start = open.indexOf(name);
    if (start >= 0) {
      const cycle = [...open.slice(start), name];
      problems.push(
        tell([name, "needs"], "JOB_CYCLE", `these jobs wait for each other: ${cycle.join(" -> ")}`),
      );
      return;
    }
    if (done.has(name) || open.length > 1000) return;
    for (const need of list(jobs.get(name)?.["needs"]))
      if (typeof need === "string" && jobs.has(need)) visit(need, [...open, name]);
    done.add(name);
  };
  for (const name of jobs.keys()) visit(name, []);
  return problems;
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
