import { systemClock } from "../../lib/clock.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderStats } from "../render/stats.ts";
import { outStyle, printJson } from "../terminal.ts";

export const statsCommand: CommandSpec = {
  name: "stats",
  summary: "Show what each replica uses: CPU, memory, network, disk, processes",
  description: "Refreshed until Ctrl-C in a terminal; one sample elsewhere. CPU of 100 % is one core.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [stackOption, { flags: "--no-stream", description: "one sample only" }],
  examples: [
    { command: "roadstead stats", meaning: "live" },
    { command: "roadstead stats --no-stream --json", meaning: "one sample for a script" },
  ],
  json: "stream",
  exits: [1, 3],
  run: stats,
};

const refreshMs = 2000;

async function stats(invocation: Invocation): Promise<ExitCode> {
  const { context, options, words, json } = invocation;
  const client = await connect(invocation);
  const { scope } = await chooseScope(invocation, client, words[0]);
  const live = options.notDisabled("stream") && (json || context.stdout.isTTY === true);
  const style = outStyle(context);
  let drawn = 0;
  for (;;) {
    const sample = await client.operate.stats({ params: paramsOf(scope), signal: context.signal });
    if (json) printJson(context, sample);
    else {
      const text = renderStats(sample.replicas, style);
      // Cursor up, then erase: the table is redrawn in place (ECMA-48 CPL and ED).
      context.stdout.write(`${drawn === 0 ? "" : `\x1b[${drawn}F\x1b[J`}${text}`);
      drawn = text.split("\n").length - 1;
    }
    if (!live) return 0;
    await systemClock.sleep(refreshMs, context.signal);
  }
}
