import type { ApiClient } from "../api/contract/client.ts";
import type { ScopeStatusView } from "../api/contract/models.ts";
import { findComposeFiles } from "../bundle/compose-files.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Invocation, OptionSpec } from "./define-command.ts";
import { notFound, usageError } from "./errors.ts";
import { gatherFromOptions } from "./stack-options.ts";
import { suggestionHint } from "./suggest.ts";

export const stackOption: OptionSpec = {
  flags: "-s, --stack <stack>",
  description: "stack (default: the one of the Compose file here, else the only one)",
};

/**
 * The stack that a command is about: named, else that of the Compose file in this folder, else the only one known.
 * Refuses with the whole choice when it is none of these.
 */
export async function chooseScope(
  invocation: Invocation,
  client: Pick<ApiClient, "stacks">,
  word?: string,
): Promise<ScopeStatusView> {
  const { stacks } = await client.stacks.list({ signal: invocation.context.signal });
  const named = word ?? invocation.options.text("stack");
  if (named !== undefined) return inEnvironment(named, stacks, invocation);
  const here = await nameOfStackHere(invocation);
  if (here !== undefined && stacks.some((status) => status.scope.stack === here))
    return inEnvironment(here, stacks, invocation);
  const known = namesOf(stacks);
  const [only] = known;
  if (only !== undefined && known.length === 1) return inEnvironment(only, stacks, invocation);
  if (known.length === 0)
    throw notFound("nothing is deployed yet", "Deploy a stack: roadstead deploy -f compose.yaml");
  throw usageError("which stack?", `Name one with --stack: ${known.join(", ")}.`);
}

/** The stack's scope in the environment that was named, else in the only environment that it has. */
function inEnvironment(
  stack: string,
  stacks: readonly ScopeStatusView[],
  { settings }: Invocation,
): ScopeStatusView {
  const candidates = stacks.filter((status) => status.scope.stack === stack);
  if (candidates.length === 0)
    throw notFound(`there is no stack ${stack}`, suggestionHint(stack, namesOf(stacks), "stack"));
  const [only] = candidates;
  if (!settings.environmentNamed && only !== undefined && candidates.length === 1) return only;
  const found = candidates.find((status) => status.scope.environment === settings.environment);
  if (found) return found;
  const environments = candidates.map((status) => status.scope.environment);
  throw notFound(
    `${stack} does not run in ${settings.environment}`,
    suggestionHint(settings.environment, environments, "environment"),
  );
}

async function nameOfStackHere(invocation: Invocation): Promise<string | undefined> {
  const set = findComposeFiles(invocation.context.cwd);
  return set === undefined ? undefined : (await gatherFromOptions(invocation, set)).stack?.name;
}

/** Refuses names that are not services of the stack, with the likely one. */
export function assertServices(status: ScopeStatusView, services: readonly string[]): void {
  const known = status.services.map((service) => service.name);
  for (const service of services) {
    if (known.includes(service)) continue;
    throw notFound(
      `${status.scope.stack} has no service ${service}`,
      suggestionHint(service, known, "service"),
    );
  }
}

function namesOf(stacks: readonly ScopeStatusView[]): string[] {
  return [...new Set(stacks.map((status) => status.scope.stack))].sort();
}

/** The path parameters of a scope. */
export function paramsOf(scope: Scope): { stack: string; environment: string } {
  return { stack: scope.stack, environment: scope.environment };
}
