import type { ApiClient } from "../../api/contract/client.ts";
import type { DrillView } from "../../api/contract/incidents.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Scope } from "../../rollout/ids.ts";
import { chooseScope, paramsOf } from "../choose-scope.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { suggestionHint } from "../suggest.ts";
import { answer } from "../terminal.ts";

type Branch = "service" | "database" | "security";
const branchesOf: Readonly<Record<string, readonly Branch[]>> = {
  "service-crash": ["service"],
  database: ["database"],
  breach: ["security"],
  all: ["service", "database", "security"],
};
const actions = [...Object.keys(branchesOf), "history", "schedule"];
const pollMs = 500;

export const drillCommand: CommandSpec = {
  name: "drill",
  summary: "Rehearse a branch of the recovery tree for real, and measure it against its target",
  description:
    "The stack is brought up once more in a throw-away environment, its failure is caused there, and the recovery runs as it would in earnest; afterwards the copy is gone. The database branch restores the newest verified backup. --live kills a replica of the service that people use. Exit code 1 when a drill fails or misses its target. `schedule` repeats all of them by cron.",
  arguments: [
    {
      name: "[branch]",
      description: "history (default), service-crash, database, breach, all, or schedule",
    },
    { name: "[stack]", description: "stack" },
    { name: "[cron]", description: 'schedule: e.g. "0 4 * * 0"; off ends it' },
  ],
  options: [
    { flags: "-s, --stack <stack>", description: "stack" },
    { flags: "--service <service>", description: "which service fails (default: the first of its kind)" },
    { flags: "--live", description: "service-crash: on the service that people use" },
    { flags: "--time-zone <zone>", description: "schedule: of the cron times (default: UTC)" },
    { flags: "-d, --detach", description: "return at once" },
    yesOption,
  ],
  examples: [
    { command: "roadstead drill all shop", meaning: "three rows: target, achieved, pass" },
    { command: "roadstead drill service-crash shop --live", meaning: "kills a live replica, after asking" },
    { command: 'roadstead drill schedule shop "0 4 * * 0"', meaning: "every Sunday at four" },
  ],
  json: "document",
  exits: [1, 3, 4],
  run: drill,
};

async function drill(invocation: Invocation): Promise<ExitCode> {
  const [action = "history", stack, cron] = invocation.words;
  const client = await connect(invocation);
  const { context, options } = invocation;
  if (action === "history") {
    const found = await client.drills.list({ query: {}, signal: context.signal });
    return print(invocation, found);
  }
  if (action === "schedule") return schedule(invocation, client, { stack, cron });
  const branches = branchesOf[action];
  if (!branches) throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  const { scope } = await chooseScope(invocation, client, stack);
  const live = options.flag("live");
  if (live)
    await confirm(
      invocation,
      `Kill a live replica of ${scope.stack} in ${scope.environment}, which people use?`,
    );
  const service = options.text("service");
  const begun = await client.drills.start({
    params: paramsOf(scope),
    body: { branches: [...branches], live, ...(service === undefined ? {} : { service }) },
    signal: context.signal,
  });
  return follow(invocation, client, begun.drills);
}

async function follow(
  invocation: Invocation,
  client: ApiClient,
  begun: readonly DrillView[],
): Promise<ExitCode> {
  const { context, options } = invocation;
  if (options.flag("detach")) return print(invocation, { drills: begun, schedules: [] });
  for (;;) {
    const { drills } = await client.drills.list({ query: {}, signal: context.signal });
    const mine = begun
      .map(({ id }) => drills.find((one) => one.id === id))
      .filter((one) => one !== undefined);
    if (mine.every(({ state }) => state !== "running")) {
      await print(invocation, { drills: mine, schedules: [] });
      return mine.some(({ state }) => state === "failed") ? 1 : 0;
    }
    await systemClock.sleep(pollMs, context.signal);
  }
}

async function schedule(
  invocation: Invocation,
  client: ApiClient,
  { stack, cron }: { stack: string | undefined; cron: string | undefined },
): Promise<ExitCode> {
  if (stack === undefined || cron === undefined)
    throw usageError("which stack, and when?", 'roadstead drill schedule STACK "0 4 * * 0"');
  const { scope }: { scope: Scope } = await chooseScope(invocation, client, stack);
  const { schedules } = await client.drills.schedule({
    params: paramsOf(scope),
    body: { cron: cron === "off" ? "" : cron, timeZone: invocation.options.text("timeZone") ?? "UTC" },
    signal: invocation.context.signal,
  });
  return print(invocation, { drills: [], schedules });
}

async function print(
  invocation: Invocation,
  found: Awaited<ReturnType<ApiClient["drills"]["list"]>>,
): Promise<ExitCode> {
  const { renderDrills } = await import("../render/incidents.ts");
  answer(invocation, found, (style) => renderDrills(found, invocation.context.now(), style));
  return 0;
}
