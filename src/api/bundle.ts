import { checkBuildVariables } from "../policy/public-variables.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Problem } from "../stack/problem.ts";
import type { Bundle } from "../store/port.ts";
import { refuseErrors } from "./errors.ts";
import type { ApiParts } from "./parts.ts";

/** Reading values has its own time limit. */
const noSignal = new AbortController().signal;

/** Refuses a bundle with errors or for another stack; returns its warnings. */
export function checkBundle(
  parts: ApiParts,
  scope: { stack: string; environment: string },
  bundle: Bundle,
): readonly Problem[] {
  const { stack, problems } = parts.resolve(bundle, scope.environment);
  const other: Problem[] =
    stack === undefined || stack.name === scope.stack
      ? []
      : [
          {
            severity: "error",
            code: "STACK_NAME_DIFFERS",
            message: `the Compose project is called ${stack.name}, but it was sent to the stack ${scope.stack}`,
            path: "name",
            fix: `send it to ${stack.name}, or set its name`,
          },
        ];
  const secrets = parts.variables.environment.secrets(scope);
  const denied = stack === undefined ? [] : checkBuildVariables(stack, secrets);
  // A message may quote what stands where a number should be.
  const mask = (problem: Problem) => ({
    ...problem,
    message: parts.variables.masks.mask(scope, problem.message),
  });
  refuseErrors([...problems, ...denied, ...other].map(mask));
  return problems.map(mask);
}

/** What was sent, with the environment's variables and secrets beneath it. */
export async function suppliedBundle(
  { variables }: Pick<ApiParts, "variables">,
  scope: Scope,
  sent: { bundle: Bundle; files: Readonly<Record<string, string>> },
): Promise<{ bundle: Bundle; files: Readonly<Record<string, Uint8Array>> }> {
  const files = Object.fromEntries(
    Object.entries(sent.files).map(([name, content]) => [name, Buffer.from(content, "base64")]),
  );
  variables.masks.rememberNamed(scope, sent.bundle.variables);
  return await variables.environment.supply(scope, { bundle: sent.bundle, files }, noSignal);
}

/** Stores the contents of secrets and configs; answers name -> version. */
export function putFiles(
  { store }: Pick<ApiParts, "store">,
  scope: Scope,
  files: Readonly<Record<string, Uint8Array>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [name, store.secrets.put(scope, name, content)]),
  );
}
