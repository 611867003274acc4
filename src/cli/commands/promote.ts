import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";

export const promoteCommand: CommandSpec = {
  name: "promote",
  summary: "End the running canary with a pass: all traffic to the new release now",
  description: "For an operator who has seen enough. The steps after the canary run as planned.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [stackOption, ...followOptions, reasonOption],
  examples: [{ command: "roadstead promote harbor", meaning: "finish the canary" }],
  json: "document",
  exits: [1, 3],
  run: promote,
};

async function promote(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client, invocation.words[0]);
  const deployment = await client.deployments.promote({
    params: paramsOf(status.scope),
    body: { reason: invocation.options.text("reason") ?? "" },
    signal: invocation.context.signal,
  });
  return await carryOut(invocation, client, deployment);
}
