import type { ApiClient } from "../api/contract/client.ts";
import type { Gathered } from "../bundle/gather-bundle.ts";
import { hasErrors } from "../stack/problem.ts";
import type { Invocation } from "./define-command.ts";
import { gatherFromOptions } from "./stack-options.ts";

/** What the API takes as the name of a stack. */
const stackName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
/** Stands for a secret while the stack is read here; the control plane puts the real one in. */
const placeholder = "secret";

/**
 * The stack with the variables that its environment has and the shell lacks. Values of secrets don't come here: the
 * bundle leaves all of them out, and the control plane lays the real ones beneath it.
 */
export async function gatherWithEnvironment(
  invocation: Invocation,
  client: Pick<ApiClient, "environment">,
): Promise<Gathered> {
  const first = await gatherFromOptions(invocation);
  const beneath = await environmentValues(invocation, client, first);
  const names = new Set(Object.keys(beneath));
  if (names.size === 0) return first;
  const gathered = await gatherFromOptions(invocation, undefined, beneath);
  const without = <T>(values: Record<string, T>, left: ReadonlySet<string>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => !left.has(name)));
  const files = (gathered.stack?.files ?? []).flatMap(({ name, source }) =>
    source.from === "environment" && names.has(source.variable) ? [name] : [],
  );
  return {
    ...gathered,
    bundle: { ...gathered.bundle, variables: without(gathered.bundle.variables, names) },
    files: without(gathered.files, new Set(files)),
  };
}

async function environmentValues(
  { settings, context }: Invocation,
  client: Pick<ApiClient, "environment">,
  first: Gathered,
): Promise<Record<string, string>> {
  const stack = first.projectName ?? "";
  if (!stackName.test(stack)) return {};
  const params = { stack, environment: settings.environment };
  try {
    const { variables } = await client.environment.list({ params, signal: context.signal });
    return Object.fromEntries(
      variables.flatMap(({ name, set }) =>
        set === undefined || context.env[name] !== undefined
          ? []
          : [[name, set.kind === "plain" ? set.value : placeholder]],
      ),
    );
  } catch (error) {
    // The problems found here say more than that nobody could be asked for variables.
    if (hasErrors(first.problems)) return {};
    throw error;
  }
}
