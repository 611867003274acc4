import { calledFor } from "../../policy/alert-escalation.ts";
import { uncoveredHours } from "../../policy/alert-oncall.ts";
import { incidentClasses } from "../../policy/alert-rule.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderTable } from "../render/table.ts";
import { suggestionHint } from "../suggest.ts";
import { answer } from "../terminal.ts";

const actions = ["who", "gaps"];
const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/** A Monday, 00:00 UTC. */
const monday = 4 * 86_400_000;

export const oncallCommand: CommandSpec = {
  name: "oncall",
  summary: "Say who is called now for which kind of incident, and when nobody is",
  description:
    "The contact book itself is set with `roadstead notify on-call FILE`. `gaps` lists the hours of a week, in UTC, that nobody of a role covers; exit code 1 when a role that is called has such hours.",
  arguments: [{ name: "[action]", description: "who (default) or gaps" }],
  options: [
    { flags: "--at <time>", description: "who: at this time, e.g. 2026-11-28T03:00Z (default: now)" },
  ],
  examples: [
    {
      command: "roadstead oncall who --at 2026-11-28T03:00Z",
      meaning: "who would be called on Saturday at three",
    },
    { command: "roadstead oncall gaps", meaning: "hours that nobody covers" },
  ],
  json: "document",
  exits: [1],
  run: oncall,
};

async function oncall(invocation: Invocation): Promise<ExitCode> {
  const [action = "who"] = invocation.words;
  if (!actions.includes(action))
    throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  const client = await connect(invocation);
  const { contacts, table } = await client.notify.onCall({ signal: invocation.context.signal });
  if (action === "who") {
    const at = timeOf(invocation);
    const who = incidentClasses.map((incident) => {
      const call = calledFor(incident, { table, contacts }, at);
      const called = call.contacts.map(({ name, role, channel }) => ({ name, role, channel }));
      return { incident, roles: table.roles[incident], called, gaps: call.gaps };
    });
    answer(invocation, { at, who }, (style) => {
      const rows = who.map(({ incident, roles, called, gaps }) => [
        incident,
        roles.join(" + "),
        called.map(({ name, role }) => `${name} (${role})`).join(", ") || style.bad("nobody"),
        gaps.length === 0 ? "" : style.warn(`nobody for ${gaps.join(", ")}`),
      ]);
      return renderTable(["INCIDENT", "CALLS", "NOW", ""], rows, style);
    });
    return 0;
  }
  const roles = [...new Set(Object.values(table.roles).flat())];
  const gaps = roles.map((role) => {
    const hours = uncoveredHours(contacts.filter((contact) => contact.role === role));
    const uncovered = hours.reduce((sum, { from, to }) => sum + (to - from) / 3600_000, 0);
    return {
      role,
      covered: 168 - uncovered,
      uncovered,
      hours: hours.map(({ from, to }) => `${when(from)}-${when(to)}`),
    };
  });
  answer(invocation, { gaps }, (style) => {
    const rows = gaps.map(({ role, covered, hours }) => [
      role,
      covered === 168 ? style.good("168 of 168") : style.warn(`${covered} of 168`),
      hours.join(", "),
    ]);
    return renderTable(["ROLE", "HOURS COVERED", "NOBODY (UTC)"], rows, style);
  });
  return gaps.some(({ uncovered }) => uncovered > 0) ? 1 : 0;
}

function timeOf({ options, context }: Invocation): number {
  const text = options.text("at");
  if (text === undefined) return context.now();
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw usageError(`${text} is no time`, "Write 2026-11-28T03:00Z.");
  return at;
}

/** `Fri 17:00`. */
function when(at: number): string {
  const hours = Math.round((at - monday) / 3600_000);
  return `${days[Math.floor(hours / 24) % 7]} ${String(hours % 24).padStart(2, "0")}:00`;
}
