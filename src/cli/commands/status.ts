import type { ScopeStatusView } from "../../api/contract/models.ts";
import { chooseScope } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const statusCommand: CommandSpec = {
  name: "status",
  summary: "Show what runs: stacks, releases, health and addresses",
  description:
    "Without a name: all stacks of all environments. The warm window says until when a rollback is instant.",
  arguments: [{ name: "[stack]", description: "only this stack" }],
  examples: [
    { command: "roadstead status", meaning: "everything" },
    { command: "roadstead status harbor --json", meaning: "one stack, for a script" },
  ],
  json: "document",
  exits: [1, 3],
  run: status,
};

async function status(invocation: Invocation): Promise<ExitCode> {
  const stacks = await stacksOf(invocation, invocation.words[0]);
  const { renderStatus } = await import("../render/status.ts");
  answer(invocation, { stacks }, (style) => renderStatus(stacks, invocation.context.now(), style));
  return 0;
}

/** The named stack, else all of them (of the named environment). */
export async function stacksOf(
  invocation: Invocation,
  name: string | undefined,
): Promise<readonly ScopeStatusView[]> {
  const client = await connect(invocation);
  if (name !== undefined) return [await chooseScope(invocation, client, name)];
  const { stacks } = await client.stacks.list({ signal: invocation.context.signal });
  const { environment, environmentNamed } = invocation.settings;
  return environmentNamed ? stacks.filter((entry) => entry.scope.environment === environment) : stacks;
}
