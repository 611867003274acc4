import { carryOut, followOptions, reasonOption } from "./carry-out.ts";
import { assertServices, chooseScope, paramsOf, stackOption } from "./choose-scope.ts";
import { connect } from "./connect.ts";
import type { CommandSpec, Invocation } from "./define-command.ts";
import type { ExitCode } from "./exit-code.ts";

/** What restart, stop and start have in common: one stack, some or all services, a deployment to follow. */
export function serviceCommand(
  verb: "restart" | "stop" | "start",
  texts: Pick<CommandSpec, "summary" | "description" | "examples">,
): CommandSpec {
  return {
    name: verb,
    ...texts,
    arguments: [{ name: "[services...]", description: "services (default: all of the stack)" }],
    options: [stackOption, ...followOptions, reasonOption],
    json: "document",
    exits: [1, 3],
    run: (invocation) => change(invocation, verb),
  };
}

async function change(invocation: Invocation, verb: "restart" | "stop" | "start"): Promise<ExitCode> {
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client);
  assertServices(status, invocation.words);
  const deployment = await client.operate[verb]({
    params: paramsOf(status.scope),
    body: { services: [...invocation.words], reason: invocation.options.text("reason") ?? "" },
    signal: invocation.context.signal,
  });
  return await carryOut(invocation, client, deployment);
}
