import type { Gathered } from "../../bundle/gather-bundle.ts";
import { hasErrors } from "../../stack/problem.ts";
import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { gatherWithEnvironment } from "../gather-with-environment.ts";
import { handOver } from "../hand-over.ts";
import { stackFileOptions } from "../stack-options.ts";
import { suggestionHint } from "../suggest.ts";
import { errStyle, printJson, say, shortPath } from "../terminal.ts";

export const deployCommand: CommandSpec = {
  name: "deploy",
  summary: "Deploy a stack and watch it until it serves",
  description:
    "Reads the Compose files, makes a release of them and brings it up beside the one that serves. Traffic moves only after the new replicas are proven; if anything fails, what served before goes on serving and the exit code is 1. Ctrl-C leaves the deployment running.",
  arguments: [{ name: "[services...]", description: "only these services (default: all)" }],
  options: [
    ...stackFileOptions,
    { flags: "-l, --label <text>", description: "free text for the release, e.g. a tag or commit" },
    {
      flags: "--override <why>",
      description: "deploy although the environment is closed or asks for approval; kept in the audit trail",
    },
    ...followOptions,
    reasonOption,
  ],
  examples: [
    { command: "roadstead deploy", meaning: "the stack in this folder" },
    { command: "roadstead deploy -f compose.yaml --label v1.4.2", meaning: "with a name to find it again" },
    { command: "roadstead deploy --env staging web", meaning: "one service, in staging" },
    { command: "roadstead deploy --detach --json", meaning: "for a script; prints the deployment" },
  ],
  json: "document",
  exits: [1, 3],
  run: deploy,
};

async function deploy(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const gathered = await gatherWithEnvironment(invocation, client);
  const stack = await readyToDeploy(invocation, gathered);
  if (stack === undefined) return 1;
  const deployment = await handOver(invocation, client, gathered, stack);
  return await carryOut(invocation, client, deployment);
}

/** The stack's name when it has no errors; else the problems are shown and nothing is sent. */
export async function readyToDeploy(invocation: Invocation, gathered: Gathered): Promise<string | undefined> {
  const { context, json, words } = invocation;
  const { problems, stack } = gathered;
  const bad = hasErrors(problems) || stack === undefined;
  if (problems.length > 0) {
    const { renderProblems, summariseProblems } = await import("../render/problems.ts");
    const style = errStyle(context);
    say(context, renderProblems(problems, gathered.bundle.texts, style, shortPath(context.cwd)));
    if (bad) say(context, `${style.bad("✗")} ${summariseProblems(problems)}: nothing was deployed`);
  }
  if (bad) {
    if (json) printJson(context, { ok: false, problems });
    return undefined;
  }
  const known = stack.services.map((service) => service.name);
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined)
    throw notFound(`${stack.name} has no service ${unknown}`, suggestionHint(unknown, known, "service"));
  return stack.name;
}
