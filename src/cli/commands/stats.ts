import type { ApiClient } from "../../api/contract/client.ts";
import type { SeriesView } from "../../api/contract/telemetry.ts";
import { systemClock } from "../../lib/clock.ts";
import { scopeKey } from "../../rollout/ids.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderStats } from "../render/stats.ts";
import { renderServiceUse, serviceUse } from "../render/stats-since.ts";
import { answer, outStyle, printJson } from "../terminal.ts";
import { parseSince } from "./logs.ts";

export const statsCommand: CommandSpec = {
  name: "stats",
  summary: "Show what each replica uses: CPU, memory, network, disk, processes",
  description:
    "Refreshed until Ctrl-C in a terminal; one sample elsewhere. CPU of 100 % is one core. `--since` shows each service over a time instead: means and peaks, requests, errors and the greatest p95.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [
    stackOption,
    { flags: "--no-stream", description: "one sample only" },
    { flags: "--since <when>", description: "duration (1h) or ISO time: each service since then" },
  ],
  examples: [
    { command: "roadstead stats", meaning: "live" },
    { command: "roadstead stats --no-stream --json", meaning: "one sample for a script" },
    { command: "roadstead stats --since 1h", meaning: "what each service used in the last hour" },
  ],
  json: "stream",
  exits: [1, 3],
  run: stats,
};

const refreshMs = 2000;

const plain = ["replica.cpu", "replica.memory", "replica.net_in", "replica.net_out", "edge.latency"] as const;
const more = ["replica.disk_read", "replica.disk_write", "replica.restarts"] as const;

async function seriesSince(
  { context }: Invocation,
  client: ApiClient,
  scope: string,
  from: number,
): Promise<SeriesView[]> {
  const time = { from, to: context.now(), match: `scope:${scope}` };
  const ask = async (metric: string, groupBy: string) =>
    (await client.telemetry.range({ query: { ...time, metric, groupBy }, signal: context.signal })).series;
  const all = await Promise.all([
    ...[...plain, ...more].map((metric) => ask(metric, "service")),
    ask("edge.requests", "service,code"),
  ]);
  return all.flat();
}

async function stats(invocation: Invocation): Promise<ExitCode> {
  const { context, options, words, json } = invocation;
  const client = await connect(invocation);
  const { scope } = await chooseScope(invocation, client, words[0]);
  const since = parseSince(options.text("since"), context.now());
  if (since !== undefined) {
    const used = serviceUse(await seriesSince(invocation, client, scopeKey(scope), since));
    answer(invocation, { since, services: used }, (style) => renderServiceUse(used, style));
    return 0;
  }
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
