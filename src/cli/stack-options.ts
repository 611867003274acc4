import { type ComposeFileSet, chooseComposeFiles } from "../bundle/compose-files.ts";
import { type Gathered, gatherBundle } from "../bundle/gather-bundle.ts";
import type { Invocation, OptionSpec } from "./define-command.ts";

/** Options of every command that reads a stack from Compose files. */
export const stackFileOptions: readonly OptionSpec[] = [
  { flags: "-f, --file <file>", description: "Compose file; repeat to merge several", repeatable: true },
  { flags: "--name <stack>", description: "name of the stack (default: the file's name, else its folder)" },
  {
    flags: "--profile <profile>",
    description: "turn on a Compose profile; may be repeated",
    repeatable: true,
  },
  {
    flags: "--env-file <file>",
    description: "variables for interpolation instead of .env",
    repeatable: true,
  },
];

/** Loads the stack that the options name, else the one in the current folder; the shell wins over `beneath`. */
export async function gatherFromOptions(
  invocation: Invocation,
  set: ComposeFileSet = chooseComposeFiles(invocation.options.list("file"), invocation.context.cwd),
  beneath: Readonly<Record<string, string>> = {},
): Promise<Gathered> {
  const { options, context, settings } = invocation;
  return await gatherBundle({
    set,
    cwd: context.cwd,
    environmentName: settings.environment,
    variables: { ...beneath, ...context.env },
    profiles: options.list("profile"),
    envFiles: options.list("envFile"),
    projectName: options.text("name") ?? context.env["COMPOSE_PROJECT_NAME"],
  });
}
