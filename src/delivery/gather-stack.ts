import { chooseComposeFiles } from "../bundle/compose-files.ts";
import type { Gathered } from "../bundle/gather-bundle.ts";
import { checkBuildVariables } from "../policy/public-variables.ts";
import { hasErrors } from "../stack/problem.ts";
import { missingFiles } from "./environment.ts";
import { DeliveryError } from "./errors.ts";
import type { DeliveryParts } from "./parts.ts";
import type { Run } from "./run.ts";
import type { SourceSettings } from "./source-settings.ts";

const shownProblems = 20;

/** Reads the stack out of a checkout, with the environment's variables and nothing of this process's own. */
export async function gatherStack(
  parts: DeliveryParts,
  of: { run: Run; settings: SourceSettings; folder: string },
  signal: AbortSignal,
): Promise<Gathered & { stack: NonNullable<Gathered["stack"]> }> {
  const { run, settings, folder } = of;
  const named = settings.composeFiles.length > 0 ? settings.composeFiles : ["."];
  const set = chooseComposeFiles(named, folder);
  if (set.files.includes(folder))
    throw new DeliveryError("DELIVERY_NO_COMPOSE_FILE", `${run.source} has no Compose file at its root`);
  const variables = await parts.variables(run.scope, signal);
  const gathered = await parts.gather({
    set,
    cwd: folder,
    environmentName: run.scope.environment,
    variables,
    profiles: [],
    envFiles: [],
    // A checkout's folder is named after its commit, so the stack is called what it was pushed to.
    projectName: run.scope.stack,
  });
  const { stack, problems } = gathered;
  const denied = stack ? checkBuildVariables(stack, parts.secrets?.(run.scope) ?? {}) : [];
  if (!stack || hasErrors([...problems, ...denied])) throw invalid([...problems, ...denied], folder);
  return { ...gathered, stack, files: { ...missingFiles(stack, variables), ...gathered.files } };
}

function invalid(problems: Gathered["problems"], folder: string): DeliveryError {
  const errors = problems.filter((problem) => problem.severity === "error");
  const lines = errors.slice(0, shownProblems).map((problem) => {
    const file = problem.file?.replace(`${folder}/`, "");
    const at = file === undefined ? "" : `${file}:${problem.line ?? 1}:${problem.column ?? 1}: `;
    return `${at}${problem.path}: ${problem.message}${problem.fix === undefined ? "" : ` (${problem.fix})`}`;
  });
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return new DeliveryError("DELIVERY_STACK_INVALID", `the stack has ${count}`, { lastLines: lines });
}
