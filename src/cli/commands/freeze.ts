import type { ApiClient } from "../../api/contract/client.ts";
import type { FreezeView } from "../../api/contract/gates.ts";
import { parseDuration } from "../../lib/duration.ts";
import { reasonOption } from "../carry-out.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderTable } from "../render/table.ts";
import { left } from "../render/time.ts";
import { suggestionHint } from "../suggest.ts";
import { answer } from "../terminal.ts";

const actions = ["list", "on", "off", "override"];

export const freezeCommand: CommandSpec = {
  name: "freeze",
  summary: "Keep runs and auto-update from rolling anything out, for a while",
  description:
    "While a freeze holds, runs wait before their deployment and go on by themselves when it ends. Without --stack it counts for every stack, without --env for every environment. `override` lets one waiting run go on; who and why is kept in the audit trail.",
  arguments: [
    { name: "[action]", description: "list (default), on, off or override" },
    { name: "[name]", description: "off: id of the freeze (default: the only one); override: run" },
  ],
  options: [
    { flags: "-s, --stack <stack>", description: "on: only this stack" },
    { flags: "--until <time>", description: "on: 4h, 3d or 2026-12-27T08:00Z (default: until `off`)" },
    reasonOption,
  ],
  examples: [
    {
      command: 'roadstead freeze on --until 3d --reason "Black Friday"',
      meaning: "everything, for three days",
    },
    { command: "roadstead freeze off", meaning: "what waited goes on" },
    {
      command: 'roadstead freeze override run_1 --reason "fixes the outage"',
      meaning: "this run goes on now",
    },
  ],
  json: "document",
  exits: [1, 3],
  run: freeze,
};

async function freeze(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", word] = invocation.words;
  const client = await connect(invocation);
  switch (action) {
    case "list":
      break;
    case "on":
      await client.gates.freeze({ body: wish(invocation) });
      break;
    case "off":
      await client.gates.unfreeze({ params: { id: word ?? (await onlyOne(client)) } });
      break;
    case "override":
      return await override(invocation, client, word);
    default:
      throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  }
  const found = await client.gates.freezes({});
  answer(invocation, found, (style) => {
    if (found.freezes.length === 0) return "Nothing is frozen.\n";
    const rows = found.freezes.map((one) => rowOf(one, invocation.context.now()));
    return renderTable(["ID", "STACK", "ENVIRONMENT", "", "BY", "WHY"], rows, style);
  });
  return 0;
}

function wish({ options, settings, context }: Invocation) {
  const reason = options.text("reason") ?? "";
  if (reason === "") throw usageError("why?", "Say it with --reason; whoever waits is told.");
  const stack = options.text("stack");
  const until = options.text("until");
  return {
    reason,
    ...(stack === undefined ? {} : { stack }),
    ...(settings.environmentNamed ? { environment: settings.environment } : {}),
    ...(until === undefined ? {} : { until: timeOf(until, context.now()) }),
  };
}

function timeOf(text: string, now: number): number {
  const seconds = parseDuration(text);
  const at = seconds === undefined ? Date.parse(text) : now + seconds * 1000;
  if (Number.isNaN(at)) throw usageError(`${text} is no time`, "Write 4h, 3d or 2026-12-27T08:00Z.");
  if (at <= now) throw usageError(`${text} is over`, "A freeze ends in the future.");
  return Math.round(at);
}

async function onlyOne(client: ApiClient): Promise<string> {
  const { freezes } = await client.gates.freezes({});
  const [only] = freezes;
  if (!only) throw notFound("nothing is frozen");
  if (freezes.length > 1)
    throw usageError("which freeze?", `Name one of ${freezes.map(({ id }) => id).join(", ")}.`);
  return only.id;
}

async function override(
  invocation: Invocation,
  client: ApiClient,
  id: string | undefined,
): Promise<ExitCode> {
  const reason = invocation.options.text("reason") ?? "";
  if (id === undefined) throw usageError("which run?", "Write roadstead freeze override RUN --reason …");
  if (reason === "") throw usageError("why?", "Say it with --reason; it is kept in the audit trail.");
  const run = await client.gates.override({ params: { id }, body: { reason } });
  const { renderRun } = await import("../render/runs.ts");
  answer(invocation, run, (style) => renderRun(run, invocation.context.now(), style));
  return 0;
}

function rowOf(freeze: FreezeView, now: number): string[] {
  const until = freeze.until === undefined ? "until it is taken off" : left(freeze.until, now);
  return [freeze.id, freeze.stack ?? "all", freeze.environment ?? "all", until, freeze.by, freeze.reason];
}
