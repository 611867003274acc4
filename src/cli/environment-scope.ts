import type { ApiClient } from "../api/contract/client.ts";
import { findComposeFiles } from "../bundle/compose-files.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Invocation } from "./define-command.ts";
import { usageError } from "./errors.ts";
import { gatherFromOptions } from "./stack-options.ts";

/** The stack and environment that variables are about; it need not be deployed yet. */
export async function environmentScope(
  invocation: Invocation,
  client: Pick<ApiClient, "stacks">,
): Promise<Scope> {
  const { options, settings, context } = invocation;
  const named = options.text("stack") ?? (await nameHere(invocation));
  if (named !== undefined) return { stack: named, environment: settings.environment };
  const { stacks } = await client.stacks.list({ signal: context.signal });
  const known = [...new Set(stacks.map(({ scope }) => scope.stack))].sort();
  const [only] = known;
  if (only !== undefined && known.length === 1) return { stack: only, environment: settings.environment };
  const hint = known.length === 0 ? "Name one with --stack." : `Name one with --stack: ${known.join(", ")}.`;
  throw usageError("which stack?", hint);
}

async function nameHere(invocation: Invocation): Promise<string | undefined> {
  const set = findComposeFiles(invocation.context.cwd);
  return set === undefined ? undefined : (await gatherFromOptions(invocation, set)).projectName;
}
