import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const outdatedCommand: CommandSpec = {
  name: "outdated",
  summary: "Compare what runs with what the registries have now",
  description:
    "Names the newest image of each service's channel, images that are not tried again, and base images that have moved. With --check, services that are updated by themselves are looked at now.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [
    stackOption,
    { flags: "--check", description: "roll out what is newer now, not at the next poll" },
  ],
  examples: [
    { command: "roadstead outdated shop", meaning: "one line per service" },
    { command: "roadstead outdated shop --check", meaning: "after a push to the registry" },
  ],
  json: "document",
  exits: [1, 3],
  run: outdated,
};

async function outdated(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client, invocation.words[0]);
  const params = paramsOf(status.scope);
  const { signal } = invocation.context;
  if (invocation.options.flag("check"))
    await client.updates.check({ params, body: { services: [] }, signal });
  const found = await client.updates.outdated({ params, signal });
  const { renderOutdated } = await import("../render/outdated.ts");
  answer(invocation, found, (style) => renderOutdated(found.services, invocation.context.now(), style));
  return 0;
}
