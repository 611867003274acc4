import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";

export const abortCommand: CommandSpec = {
  name: "abort",
  summary: "Stop the running deployment and return to what was current",
  description:
    "The step that runs is interrupted; traffic goes back before anything new is removed. A queued deployment is dropped.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [stackOption, ...followOptions, reasonOption],
  examples: [{ command: "roadstead abort harbor --reason 'wrong branch'", meaning: "back to what served" }],
  json: "document",
  exits: [1, 3],
  run: abort,
};

async function abort(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client, invocation.words[0]);
  const deployment = await client.deployments.abort({
    params: paramsOf(status.scope),
    body: { reason: invocation.options.text("reason") ?? "" },
    signal: invocation.context.signal,
  });
  return await carryOut(invocation, client, deployment, ["aborted", "superseded"]);
}
