import type { Scope } from "../rollout/ids.ts";
import type { Problem } from "../stack/problem.ts";
import type { Bundle } from "../store/port.ts";
import { refuseErrors } from "./errors.ts";
import type { ApiParts } from "./parts.ts";

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
  refuseErrors([...problems, ...other]);
  return problems;
}

/** Stores the contents of secrets and configs; answers name -> version. */
export function putFiles(
  { store }: Pick<ApiParts, "store">,
  scope: Scope,
  files: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [
      name,
      store.secrets.put(scope, name, Buffer.from(content, "base64")),
    ]),
  );
}
