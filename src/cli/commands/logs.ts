import { parseDuration } from "../../lib/duration.ts";
import { assertServices, chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderLogLine } from "../render/logs.ts";
import { outStyle, printJson } from "../terminal.ts";

export const logsCommand: CommandSpec = {
  name: "logs",
  summary: "Print what the replicas wrote",
  description:
    "Lines of all replicas of the services, each service in its colour. Ctrl-C ends following at once.",
  arguments: [{ name: "[services...]", description: "services (default: all of the stack)" }],
  options: [
    stackOption,
    { flags: "-f, --follow", description: "go on with new lines" },
    { flags: "-n, --tail <lines>", description: "last lines to begin with, or all (default: 100)" },
    { flags: "--since <when>", description: "duration (10m) or ISO time" },
    { flags: "-t, --timestamps", description: "with the time of each line" },
  ],
  examples: [
    {
      command: "roadstead logs --tail 100 -f api",
      meaning: "the last 100 lines of a service, then new ones",
    },
    { command: "roadstead logs --since 10m", meaning: "ten minutes of the whole stack" },
    { command: "roadstead logs --json api | jq .text", meaning: "one JSON document a line" },
  ],
  json: "stream",
  exits: [1, 3],
  run: logs,
};

async function logs(invocation: Invocation): Promise<ExitCode> {
  const { context, options, words, json } = invocation;
  const tail = parseTail(options.text("tail"));
  const since = parseSince(options.text("since"), context.now());
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client);
  assertServices(status, words);
  const lines = client.operate.logs({
    params: paramsOf(status.scope),
    query: {
      follow: options.flag("follow"),
      ...(words.length === 0 ? {} : { services: [...words] }),
      ...(tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
    },
    signal: context.signal,
  });
  const style = outStyle(context);
  const shown = words.length > 0 ? words : status.services.map((service) => service.name);
  const width = Math.max(0, ...shown.map((name) => name.length)) + " 000000-0".length;
  try {
    for await (const line of lines) {
      if (json) printJson(context, line);
      else context.stdout.write(renderLogLine(line, width, options.flag("timestamps"), style));
    }
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
  return context.signal.aborted ? 130 : 0;
}

/** `undefined` means everything that was kept. */
export function parseTail(text: string | undefined): number | undefined {
  if (text === "all") return undefined;
  const lines = Number(text ?? 100);
  if (!Number.isInteger(lines) || lines < 0) throw usageError(`--tail ${text} is not a number of lines`);
  return lines;
}

/** Epoch milliseconds of a duration ago or an ISO time. */
export function parseSince(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds !== undefined) return Math.max(0, Math.round(now - seconds * 1000));
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw usageError(`--since ${text} is neither a duration nor a time`, "Write 10m or 2026-01-31T12:00");
  return at;
}
