import type { ScopeStatusView } from "../../api/contract/models.ts";
import { chooseScope, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Style } from "../render/style.ts";
import { answer } from "../terminal.ts";

export const statusCommand: CommandSpec = {
  name: "status",
  summary: "Show what runs: stacks, releases, health and addresses",
  description:
    "Without a name: all stacks of all environments, in JSON as `{stacks}`; with one: that stack alone. The warm window says until when a rollback is instant.",
  arguments: [{ name: "[stack]", description: "only this stack" }],
  options: [stackOption],
  examples: [
    { command: "roadstead status", meaning: "everything" },
    { command: "roadstead status harbor --json", meaning: "one stack, for a script" },
  ],
  json: "document",
  exits: [1, 3],
  run: status,
};

async function status(invocation: Invocation): Promise<ExitCode> {
  const stacks = await stacksOf(invocation);
  const [only] = stacks;
  const model = stackNamed(invocation) === undefined ? { stacks } : only;
  const { renderStatus } = await import("../render/status.ts");
  const alerts = await alertLine(invocation);
  answer(invocation, model, (style) => renderStatus(stacks, invocation.context.now(), style) + alerts(style));
  return 0;
}

/** What is wrong and whether anybody would be told; nothing from a control plane that is older than this. */
async function alertLine(invocation: Invocation): Promise<(style: Style) => string> {
  if (invocation.json || stackNamed(invocation) !== undefined) return () => "";
  const client = await connect(invocation);
  const found = await client.alerts.active({ signal: invocation.context.signal }).catch(() => undefined);
  const { renderAlertLine } = await import("../render/alerts.ts");
  return (style) => (found ? renderAlertLine(found, style) : "");
}

function stackNamed({ words, options }: Invocation): string | undefined {
  return words[0] ?? options.text("stack");
}

/** The named stack, else all of them (of the named environment). */
export async function stacksOf(invocation: Invocation): Promise<readonly ScopeStatusView[]> {
  const client = await connect(invocation);
  const name = stackNamed(invocation);
  if (name !== undefined) return [await chooseScope(invocation, client, name)];
  const { stacks } = await client.stacks.list({ signal: invocation.context.signal });
  const { environment, environmentNamed } = invocation.settings;
  return environmentNamed ? stacks.filter((entry) => entry.scope.environment === environment) : stacks;
}
