import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { gatherWithEnvironment } from "../gather-with-environment.ts";
import { inBase64 } from "../hand-over.ts";
import { stackFileOptions } from "../stack-options.ts";
import { answer } from "../terminal.ts";
import { readyToDeploy } from "./deploy.ts";

export const planCommand: CommandSpec = {
  name: "plan",
  summary: "Show the steps that a deploy would take now, without taking any",
  description:
    "The same reading and checking as deploy. Notes say beforehand what the operator must know, e.g. for how long a service is unreachable and why.",
  arguments: [{ name: "[services...]", description: "only these services (default: all)" }],
  options: stackFileOptions,
  examples: [
    { command: "roadstead plan", meaning: "the stack in this folder" },
    { command: "roadstead plan -f compose.yaml --env staging", meaning: "against what runs in staging" },
  ],
  json: "document",
  exits: [1, 3],
  run: plan,
};

async function plan(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const gathered = await gatherWithEnvironment(invocation, client);
  const stack = await readyToDeploy(invocation, gathered);
  if (stack === undefined) return 1;
  const { plan: steps, warnings } = await client.stacks.plan({
    params: { stack, environment: invocation.settings.environment },
    body: {
      bundle: gathered.bundle,
      services: [...invocation.words],
      files: inBase64(gathered.files),
    },
    signal: invocation.context.signal,
  });
  const { renderPlan } = await import("../render/plan.ts");
  answer(invocation, { stack, plan: steps, warnings }, (style) => renderPlan(steps, style));
  return 0;
}
