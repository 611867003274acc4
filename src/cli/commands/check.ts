import { chooseComposeFiles } from "../../bundle/compose-files.ts";
import type { Gathered } from "../../bundle/gather-bundle.ts";
import { hasErrors } from "../../stack/problem.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { gatherFromOptions, stackFileOptions } from "../stack-options.ts";
import { errStyle, outStyle, printJson, say, shortPath } from "../terminal.ts";

export const checkCommand: CommandSpec = {
  name: "check",
  summary: "Check Compose files offline and show every problem with its place",
  description:
    "Parses, merges, interpolates and validates like a deployment would, without talking to anything. Each FILE is a stack of its own; files named with -f are merged into one.",
  arguments: [{ name: "[files...]", description: "Compose files or folders (default: the one here)" }],
  options: stackFileOptions,
  examples: [
    { command: "roadstead check", meaning: "the stack in this folder" },
    { command: "roadstead check compose.yaml other/compose.yaml", meaning: "two stacks" },
    { command: "roadstead check -f compose.yaml -f compose.prod.yaml", meaning: "one stack of two files" },
    { command: "roadstead check --json | jq '.problems[].message'", meaning: "for a script" },
  ],
  json: "document",
  exits: [1, 3],
  run: check,
};

async function check(invocation: Invocation): Promise<ExitCode> {
  const { context, options, words, json } = invocation;
  const merged = options.list("file");
  const sets =
    words.length > 0
      ? words.map((word) => chooseComposeFiles([word], context.cwd))
      : [chooseComposeFiles(merged, context.cwd)];
  const loaded: Gathered[] = [];
  for (const set of sets) loaded.push(await gatherFromOptions(invocation, set));
  const problems = loaded.flatMap((gathered) => gathered.problems);
  const bad = hasErrors(problems);
  if (json) {
    printJson(context, { ok: !bad, problems, stacks: loaded.map(describe) });
    return bad ? 1 : 0;
  }
  for (const gathered of loaded) await show(invocation, gathered);
  return bad ? 1 : 0;
}

async function show(invocation: Invocation, gathered: Gathered): Promise<void> {
  const { context } = invocation;
  const { renderProblems, summariseProblems } = await import("../render/problems.ts");
  const style = outStyle(context);
  const shorten = shortPath(context.cwd);
  const { problems, bundle } = gathered;
  if (problems.length > 0)
    context.stdout.write(`${renderProblems(problems, bundle.texts, style, shorten)}\n`);
  const files = bundle.composeFiles.map(shorten).join(" + ");
  const said = errStyle(context);
  if (hasErrors(problems)) {
    say(context, `${said.bad("✗")} ${files}: ${summariseProblems(problems)}`);
    return;
  }
  const services = gathered.stack?.services.length ?? 0;
  const counted = `${services} service${services === 1 ? "" : "s"}`;
  const warned = problems.length > 0 ? `, ${summariseProblems(problems)}` : "";
  say(context, `${said.good("✓")} ${files}: ${counted}, ready to deploy${warned}`);
}

function describe(gathered: Gathered) {
  return {
    name: gathered.stack?.name,
    files: gathered.bundle.composeFiles,
    services: gathered.stack?.services.map((service) => ({
      name: service.name,
      kind: service.kind,
      strategy: service.strategy,
      replicas: service.replicas,
      routes: service.routes.map((route) => `${route.host}${route.path}`),
    })),
  };
}
