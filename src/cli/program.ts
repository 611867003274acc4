import { Command, CommanderError } from "commander";
import { messageOf, PlatformError } from "../lib/platform-error.ts";
import type { Problem } from "../stack/problem.ts";
import { commandLoaders, loadCommands } from "./command-list.ts";
import { type CliContext, wantsColor } from "./context.ts";
import { type CommandSpec, defineCommand, globalOptions, toOption } from "./define-command.ts";
import { CliError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import { makeStyle } from "./render/style.ts";

/** The command tree of these commands. `onExit` gets the exit code of the command that ran. */
export function buildProgram(
  specs: readonly CommandSpec[],
  context: CliContext,
  onExit: (code: ExitCode) => void,
): Command {
  const program = new Command("roadstead")
    .description("Your Compose file, deployed without downtime on your own server.")
    .version(context.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show the help of a command")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "roadstead: ")),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
    })
    .addHelpText(
      "after",
      "\nFirst steps:\n  roadstead up --demo   start everything here with an example stack\n  roadstead help deploy",
    );
  for (const option of globalOptions) program.addOption(toOption(option).hideHelp());
  for (const spec of specs) {
    const command = defineCommand(spec, context, onExit);
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

/** Runs one command line (without node and script) and answers its exit code; never throws. */
export async function runCli(words: readonly string[], context: CliContext): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const name = commandOf(words);
  const specs = await loadCommands(Object.hasOwn(commandLoaders, name) ? [name] : undefined);
  const program = buildProgram(specs, context, (code) => {
    exit = code;
  });
  try {
    if (words.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...words], { from: "user" });
    return exit;
  } catch (error) {
    return reportError(error, context, words.includes("--json"));
  }
}

/** The first word that is neither a global option nor the value of one; empty when there is none. */
function commandOf(words: readonly string[]): string {
  const withValue = globalOptions.filter((option) => option.flags.includes("<"));
  const takesValue = (word: string) => withValue.some((option) => option.flags.split(" ")[0] === word);
  let index = 0;
  while (words[index]?.startsWith("-")) index += takesValue(words[index] ?? "") ? 2 : 1;
  return words[index] ?? "";
}

/** Says what went wrong and what to do, on stderr (and as a document on stdout for `--json`), and picks the exit code. */
function reportError(error: unknown, context: CliContext, json: boolean): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (context.signal.aborted) return 130;
  const style = makeStyle(wantsColor(context.stderr, context.env));
  const code = error instanceof PlatformError ? error.code : "UNEXPECTED";
  const hint = error instanceof PlatformError ? error.hint : undefined;
  context.stderr.write(`${style.bad("roadstead:")} ${messageOf(error)}\n`);
  if (hint !== undefined) context.stderr.write(`${style.dim(`  ${hint}`)}\n`);
  const problems = problemsOf(error);
  for (const { path, message, fix } of problems)
    context.stderr.write(
      `  ${path === "" ? "" : `${path}: `}${message}${fix === undefined ? "" : ` (${fix})`}\n`,
    );
  if (!(error instanceof PlatformError) && context.env["ROADSTEAD_DEBUG"] && error instanceof Error)
    context.stderr.write(`${error.stack}\n`);
  if (json) {
    const answer = {
      code,
      message: messageOf(error),
      hint,
      problems: problems.length > 0 ? problems : undefined,
    };
    context.stdout.write(`${JSON.stringify({ error: answer })}\n`);
  }
  return exitCodeOf(error);
}

/** What the control plane found wrong with a stack (an ApiError's problems; its class is not loaded for that). */
function problemsOf(error: unknown): readonly Problem[] {
  return error instanceof PlatformError && "problems" in error && Array.isArray(error.problems)
    ? error.problems
    : [];
}

/** The exit code of any failure: what the CLI decided, else what the API's error code says. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof PlatformError && "status" in error && error.status === 404) return 3;
  if (
    error instanceof PlatformError &&
    /NOT_FOUND|BUNDLE_NO_COMPOSE_FILE|(?:STACK|SERVICE|RELEASE|SCOPE|REPLICA)_(?:UNKNOWN|MISSING)/.test(
      error.code,
    )
  )
    return 3;
  return 1;
}
