import { Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { type ExitCode, everyExitCode, exitCodes } from "./exit-code.ts";
import { OptionReader } from "./option-reader.ts";
import { resolveSettings, type Settings } from "./settings.ts";

/**
 * One command as data: what `--help`, the generated reference and commander need. `run` loads what it needs itself
 * (dynamic imports), so that defining all commands costs next to nothing at start-up.
 */
export type CommandSpec = {
  name: string;
  /** One line, imperative, without a period. */
  summary: string;
  /** More, in whole sentences. */
  description: string;
  arguments?: readonly { name: string; description: string }[];
  options?: readonly OptionSpec[];
  examples: readonly { command: string; meaning: string }[];
  /** `stream`: `--json` prints one JSON document a line. */
  json: "document" | "stream";
  /** Exit codes that this command ends in, besides 0, 2 and 130. */
  exits: readonly ExitCode[];
  /** Everything after the first argument belongs to another program. */
  passThrough?: boolean;
  run: (invocation: Invocation) => Promise<ExitCode>;
};

export type OptionSpec = {
  flags: string;
  description: string;
  /** May be given several times. */
  repeatable?: boolean;
  choices?: readonly string[];
};

export type Invocation = {
  context: CliContext;
  settings: Settings;
  options: OptionReader;
  /** Positional words, in order. */
  words: readonly string[];
  json: boolean;
};

export const globalOptions: readonly OptionSpec[] = [
  { flags: "--json", description: "print JSON on stdout" },
  { flags: "--env <name>", description: "environment (default: production, or ROADSTEAD_ENV)" },
  { flags: "--home <folder>", description: "state folder of the control plane (or ROADSTEAD_HOME)" },
  { flags: "--host <url>", description: "address of the control plane's API (or ROADSTEAD_HOST)" },
  { flags: "--token <token>", description: "API token (or ROADSTEAD_TOKEN; default: <home>/token)" },
];

/** Turns the data into a commander command; the exit code goes to `onExit`. */
export function defineCommand(
  spec: CommandSpec,
  context: CliContext,
  onExit: (code: ExitCode) => void,
): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description(`${spec.summary}.\n${spec.description}`);
  for (const argument of spec.arguments ?? []) command.argument(argument.name, argument.description);
  for (const option of spec.options ?? []) command.addOption(toOption(option));
  for (const option of globalOptions) command.addOption(toOption(option).helpGroup("Global options:"));
  command.helpOption("-h, --help", "show this help");
  if (spec.passThrough) command.passThroughOptions();
  command.addHelpText("after", () => helpAfter(spec));
  command.action(async () => {
    const values: Record<string, unknown> = command.optsWithGlobals();
    const options = new OptionReader(values);
    const settings = resolveSettings(
      {
        home: options.text("home"),
        host: options.text("host"),
        token: options.text("token"),
        env: options.text("env"),
      },
      context,
    );
    onExit(await spec.run({ context, settings, options, words: command.args, json: options.flag("json") }));
  });
  return command;
}

/** Examples and the exit codes that the command can end in. */
function helpAfter(spec: CommandSpec): string {
  const width = Math.max(...spec.examples.map((example) => example.command.length));
  const examples = spec.examples.map((example) => `  ${example.command.padEnd(width)}  ${example.meaning}`);
  const codes = exitsOf(spec).map((code) => `  ${String(code).padEnd(4)}${exitCodes[code]}`);
  return `\nExamples:\n${examples.join("\n")}\n\nExit codes:\n${codes.join("\n")}`;
}

/** All exit codes of a command, ascending. */
export function exitsOf(spec: CommandSpec): readonly ExitCode[] {
  return everyExitCode.filter((code) => [0, 2, 130].includes(code) || spec.exits.includes(code));
}

/** The commander option of the data. */
export function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.choices) option.choices(spec.choices);
  if (spec.repeatable)
    option.argParser((value: string, previous: readonly string[] | undefined) => [
      ...(previous ?? []),
      value,
    ]);
  return option;
}
