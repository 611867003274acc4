import { stackOption } from "../choose-scope.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";
import { stacksOf } from "./status.ts";

export const psCommand: CommandSpec = {
  name: "ps",
  summary: "List the replicas",
  description:
    "One line for each replica, the warm ones of earlier releases included, with its share of the traffic.",
  arguments: [{ name: "[stack]", description: "only this stack" }],
  options: [stackOption],
  examples: [
    { command: "roadstead ps", meaning: "all replicas" },
    { command: "roadstead ps harbor", meaning: "of one stack" },
  ],
  json: "document",
  exits: [1, 3],
  run: ps,
};

async function ps(invocation: Invocation): Promise<ExitCode> {
  const stacks = await stacksOf(invocation);
  const { renderReplicas } = await import("../render/status.ts");
  const replicas = stacks.flatMap((status) =>
    status.services.flatMap((service) =>
      service.replicas.map((replica) => ({ ...status.scope, service: service.name, ...replica })),
    ),
  );
  answer(invocation, { replicas }, (style) => renderReplicas(stacks, invocation.context.now(), style));
  return 0;
}
