import type { ApiClient } from "../../api/contract/client.ts";
import { parseDuration } from "../../lib/duration.ts";
import { reasonOption } from "../carry-out.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

const actions = ["list", "history", "rules", "ack", "silence", "unsilence"];
const dayMs = 86_400_000;

export const alertsCommand: CommandSpec = {
  name: "alerts",
  summary: "Show what is wrong now, and say who has it or who need not be told",
  description:
    "`rules` shows every rule with the values that it sees now. `ack` ends reminders and calls until it gets worse. A silenced alert is still shown; what holds at the end of a silence is told then.",
  arguments: [
    { name: "[action]", description: "list (default), history, rules, ack, silence or unsilence" },
    { name: "[id]", description: "ack: alert (default: the only one); unsilence: silence" },
  ],
  options: [
    { flags: "-s, --stack <stack>", description: "silence: only this stack" },
    { flags: "--service <service>", description: "silence: only this service" },
    { flags: "--rule <rule>", description: "silence: only this rule, e.g. memory" },
    { flags: "--for <duration>", description: "silence: how long, e.g. 2h (default: 1h)" },
    { flags: "--since <duration>", description: "history: how far back, e.g. 7d (default: 7d)" },
    reasonOption,
  ],
  examples: [
    { command: "roadstead alerts", meaning: "what is wrong now" },
    { command: "roadstead alerts rules", meaning: "thresholds beside present values" },
    { command: 'roadstead alerts ack --reason "looking into it"', meaning: "no more calls" },
    {
      command: 'roadstead alerts silence --stack shop --for 2h --reason "load test"',
      meaning: "nobody is told of shop for two hours",
    },
  ],
  json: "document",
  exits: [1, 3],
  run: alerts,
};

async function alerts(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", word] = invocation.words;
  const client = await connect(invocation);
  const { signal, now } = invocation.context;
  const render = () => import("../render/alerts.ts");
  switch (action) {
    case "list":
      break;
    case "history": {
      const from = now() - (seconds(invocation, "since") ?? 7 * 86_400) * 1000;
      const found = await client.alerts.history({
        query: { from: Math.max(0, from), to: now() + dayMs },
        signal,
      });
      const { renderHistory } = await render();
      answer(invocation, found, (style) => renderHistory(found.alerts, now(), style));
      return 0;
    }
    case "rules": {
      const found = await client.alerts.rules({ signal });
      const { renderRules } = await render();
      answer(invocation, found, (style) => renderRules(found.rules, style));
      return 0;
    }
    case "ack":
      await client.alerts.acknowledge({
        params: { id: word ?? (await onlyOne(client)) },
        body: { reason: invocation.options.text("reason") ?? "" },
        signal,
      });
      break;
    case "silence":
      await client.alerts.silence({ body: silenceOf(invocation), signal });
      break;
    case "unsilence":
      if (word === undefined)
        throw usageError("which silence?", "`roadstead alerts` lists them with their ids.");
      await client.alerts.unsilence({ params: { id: word }, signal });
      say(invocation.context, `${word} is over; what still holds is told now`);
      break;
    default:
      throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  }
  const found = await client.alerts.active({ signal });
  const { renderAlerts } = await render();
  answer(invocation, found, (style) => renderAlerts(found, now(), style));
  return 0;
}

function silenceOf(invocation: Invocation) {
  const { options, settings, context } = invocation;
  const reason = options.text("reason") ?? "";
  if (reason === "") throw usageError("why?", "Say it with --reason; whoever looks is told.");
  const [stack, service, rule] = [options.text("stack"), options.text("service"), options.text("rule")];
  return {
    reason,
    until: Math.round(context.now() + (seconds(invocation, "for") ?? 3600) * 1000),
    ...(stack === undefined ? {} : { stack }),
    ...(service === undefined ? {} : { service }),
    ...(rule === undefined ? {} : { rule }),
    ...(settings.environmentNamed ? { environment: settings.environment } : {}),
  };
}

function seconds({ options }: Invocation, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const found = parseDuration(text);
  if (found === undefined || found <= 0) throw usageError(`${text} is no duration`, "Write 30m, 2h or 3d.");
  return found;
}

async function onlyOne(client: ApiClient): Promise<string> {
  const found = await client.alerts.active({});
  const open = found.alerts.filter(({ acknowledged }) => acknowledged === undefined);
  const [only] = open;
  if (!only) throw notFound("there is no alert that nobody has");
  if (open.length > 1)
    throw usageError("which alert?", `Name one of ${open.map(({ id }) => id).join(", ")}.`);
  return only.id;
}
