import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { assertServices, chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";

export const scaleCommand: CommandSpec = {
  name: "scale",
  summary: "Set the number of replicas of services",
  description:
    "Overrides the Compose file until the next scale; new replicas take traffic once they are ready.",
  arguments: [{ name: "<service=count...>", description: "e.g. api=3 web=2" }],
  options: [stackOption, ...followOptions, reasonOption],
  examples: [{ command: "roadstead scale api=3 web=2", meaning: "two services at once" }],
  json: "document",
  exits: [1, 3],
  run: scale,
};

async function scale(invocation: Invocation): Promise<ExitCode> {
  const replicas = parseScale(invocation.words);
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client);
  assertServices(status, Object.keys(replicas));
  const deployment = await client.operate.scale({
    params: paramsOf(status.scope),
    body: { replicas, reason: invocation.options.text("reason") ?? "" },
    signal: invocation.context.signal,
  });
  return await carryOut(invocation, client, deployment);
}

/** `["api=3"]` as `{api: 3}`. */
export function parseScale(words: readonly string[]): Record<string, number> {
  const replicas: Record<string, number> = {};
  for (const word of words) {
    const match = /^([^=]+)=(\d{1,4})$/.exec(word);
    const [, service, count] = match ?? [];
    if (service === undefined || count === undefined)
      throw usageError(`${word} is not SERVICE=COUNT`, "Write e.g. roadstead scale api=3");
    replicas[service] = Number(count);
  }
  return replicas;
}
