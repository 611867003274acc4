import { assertServices, chooseScope, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";

export const execCommand: CommandSpec = {
  name: "exec",
  summary: "Run a command inside a replica",
  description:
    "In a terminal the command gets one too. Options of roadstead come before the service; everything after it belongs to the command. The exit code is 0 when the command's was 0, else 1; the command's own code is said on stderr.",
  arguments: [
    { name: "<service>", description: "service; a ready replica of the current release is taken" },
    { name: "<command...>", description: "program and arguments" },
  ],
  options: [
    stackOption,
    { flags: "--replica <id>", description: "this replica instead" },
    { flags: "-T, --no-tty", description: "no terminal, even in one" },
  ],
  examples: [
    { command: "roadstead exec api -- node --version", meaning: "one command" },
    { command: "roadstead exec db -- psql -U harbor", meaning: "interactive" },
    { command: "roadstead exec -T db -- psql -U harbor < dump.sql", meaning: "from a file" },
  ],
  json: "stream",
  exits: [1, 3],
  passThrough: true,
  run: exec,
};

async function exec(invocation: Invocation): Promise<ExitCode> {
  const [service, ...rest] = invocation.words;
  const argv = rest[0] === "--" ? rest.slice(1) : rest;
  if (service === undefined || argv.length === 0)
    throw usageError("no command", "Write e.g. roadstead exec api -- node --version");
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client);
  assertServices(status, [service]);
  const { runInReplica } = await import("../exec-session.ts");
  return await runInReplica(invocation, status.scope, service, argv);
}
