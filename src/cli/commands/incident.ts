import type { ApiClient, CallInput } from "../../api/contract/client.ts";
import type { IncidentView } from "../../api/contract/incidents.ts";
import type { ApiTable } from "../../api/contract/table.ts";
import { systemClock } from "../../lib/clock.ts";
import { chooseScope } from "../choose-scope.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

type Wish = CallInput<ApiTable["incidents"]["open"]>["body"];
type Note = CallInput<ApiTable["incidents"]["note"]>["body"];

const actions = ["list", "open", "show", "note", "ack", "recover", "resolve", "close", "export", "tree"];
const kinds = ["service", "database", "server", "security"] as const;
const items = ["timeline", "stakeholders", "postMortem", "rootCause", "preventive", "runbooks"] as const;
const pollMs = 500;

export const incidentCommand: CommandSpec = {
  name: "incident",
  summary: "Open incidents, walk the recovery tree, write down what was found, close them",
  description:
    "A crashed service opens, recovers and resolves its incident by itself. `open` reports one by hand and, with --recover, walks its branch; --dry-run prints the steps instead. `recover` begins or goes on with a branch; after a breach --rebuild confirms that the stack may run again. `note` adds a line, ticks items of the checklist, names the root cause. `close` is refused while anything is left to do. `export` prints the post-mortem as Markdown, or with --message the text for stakeholders.",
  arguments: [
    {
      name: "[action]",
      description: "list (default), open, show, note, ack, recover, resolve, close, export or tree",
    },
    { name: "[id]", description: "incident (default: the only open one)" },
    { name: "[text]", description: "note: a line for the timeline" },
  ],
  options: [
    { flags: "--kind <kind>", description: "open, tree: what failed (open: service)", choices: kinds },
    { flags: "-s, --stack <stack>", description: "open: stack" },
    { flags: "--service <service>", description: "open: service that failed" },
    { flags: "--impact <text>", description: "open, note: what does not work" },
    { flags: "--affected <text>", description: "open, note: how many users, e.g. ~500 active users" },
    { flags: "--reporter <name>", description: "open: who noticed it" },
    { flags: "--recover", description: "open: walk the branch at once" },
    {
      flags: "--rotate <secret>",
      description: "open: secret to renew after a breach (may be repeated)",
      repeatable: true,
    },
    { flags: "--rebuild", description: "recover: the hole is closed, the stack may run again" },
    { flags: "--dry-run", description: "open, recover: print the steps, do nothing" },
    {
      flags: "--done <item>",
      description: `note: tick ${items.join(", ")} (may be repeated)`,
      repeatable: true,
    },
    { flags: "--root-cause <text>", description: "note: what it was" },
    { flags: "--action-item <text>", description: "note: something to be done" },
    { flags: "--action-done <number>", description: "note: tick an action item" },
    { flags: "--message", description: "export: the message for stakeholders" },
    { flags: "-d, --detach", description: "open, recover: return at once" },
    yesOption,
  ],
  examples: [
    { command: "roadstead incident", meaning: "what happened, with times against targets" },
    {
      command: "roadstead incident open --kind database --stack chat --service db --recover",
      meaning: "stop what uses it, restore, verify, start",
    },
    {
      command: "roadstead incident open --kind security --stack chat --dry-run",
      meaning: "what would be done",
    },
    { command: 'roadstead incident note --root-cause "full disk" --done rootCause', meaning: "what it was" },
    { command: "roadstead incident export inc_1 > post-mortem.md", meaning: "the whole record" },
  ],
  json: "document",
  exits: [1, 3, 4],
  run: incident,
};

async function incident(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", word, text] = invocation.words;
  const client = await connect(invocation);
  const { options, context } = invocation;
  const { signal, now } = context;
  switch (action) {
    case "list": {
      const found = await client.incidents.list({ query: {}, signal });
      const { renderIncidents } = await import("../render/incidents.ts");
      answer(invocation, found, (style) => renderIncidents(found.incidents, now(), style));
      return 0;
    }
    case "tree":
      return tree(invocation, client, options.text("kind"));
    case "open":
      return open(invocation, client);
    case "show":
      return show(invocation, await client.incidents.get({ params: await idOf(client, word), signal }));
    case "recover":
      return recover(invocation, client, word);
    case "note":
      return note(invocation, client, { word, text });
    case "ack":
      return show(
        invocation,
        await client.incidents.acknowledge({ params: await idOf(client, word), signal }),
      );
    case "resolve": {
      const body = { reason: text ?? "" };
      return show(
        invocation,
        await client.incidents.resolve({ params: await idOf(client, word), body, signal }),
      );
    }
    case "close":
      return show(
        invocation,
        await client.incidents.close({ params: await idOf(client, word, "any"), signal }),
      );
    case "export": {
      const found = await client.incidents.text({ params: await idOf(client, word, "any"), signal });
      answer(invocation, found, () => (options.flag("message") ? found.message : found.postMortem));
      return 0;
    }
    default:
      throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  }
}

async function open(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const { options, context } = invocation;
  const kind = kinds.find((one) => one === (options.text("kind") ?? "service")) ?? "service";
  if (options.flag("dryRun")) return tree(invocation, client, kind);
  const scope = kind === "server" ? undefined : (await chooseScope(invocation, client)).scope;
  const wanted = options.flag("recover");
  if (wanted && kind !== "service")
    await confirm(
      invocation,
      `Recover from a ${kind} incident: services of ${scope?.stack ?? "this host"} will stop.`,
    );
  const rotate = options.list("rotate");
  const body: Wish = {
    kind,
    recover: wanted,
    ...(scope ? { stack: scope.stack, environment: scope.environment } : {}),
    ...(rotate.length === 0 ? {} : { rotate }),
    ...texts(invocation, ["service", "impact", "affected", "reporter"] as const),
  };
  const opened = await client.incidents.open({ body, signal: context.signal });
  return wanted ? follow(invocation, client, opened) : show(invocation, opened);
}

async function recover(
  invocation: Invocation,
  client: ApiClient,
  word: string | undefined,
): Promise<ExitCode> {
  const { options, context } = invocation;
  const { signal } = context;
  const params = await idOf(client, word);
  const known = await client.incidents.get({ params, signal });
  if (options.flag("dryRun")) return tree(invocation, client, known.kind);
  const rebuild = options.flag("rebuild");
  if (known.kind !== "service" || rebuild)
    await confirm(invocation, `${rebuild ? "Rebuild" : "Recover"} ${known.title}?`);
  const begun = await client.incidents.recover({ params, body: { rebuild }, signal });
  return follow(invocation, client, begun);
}

async function note(
  invocation: Invocation,
  client: ApiClient,
  { word, text }: { word: string | undefined; text: string | undefined },
): Promise<ExitCode> {
  const { options, context } = invocation;
  const done = options.list("done").map((name) => {
    const found = items.find((item) => item === name);
    if (!found) throw usageError(`there is no item ${name}`, suggestionHint(name, items, "item"));
    return found;
  });
  const number = options.text("actionDone");
  if (number !== undefined && !/^[1-9]\d{0,3}$/.test(number)) throw usageError(`${number} is no number`);
  const body: Note = {
    ...(text === undefined ? {} : { text }),
    ...(done.length === 0 ? {} : { done }),
    ...(number === undefined ? {} : { actionDone: Number(number) }),
    ...texts(invocation, ["rootCause", "actionItem", "affected", "impact"] as const),
  };
  if (Object.keys(body).length === 0)
    throw usageError("what is to be noted?", "A text, or --done, --root-cause, …");
  const params = await idOf(client, word, "any");
  return show(invocation, await client.incidents.note({ params, body, signal: context.signal }));
}

async function tree(invocation: Invocation, client: ApiClient, kind: string | undefined): Promise<ExitCode> {
  const found = await client.incidents.tree({ signal: invocation.context.signal });
  const branches = found.branches.filter((branch) => kind === undefined || branch.kind === kind);
  const { renderBranch } = await import("../render/incidents.ts");
  answer(invocation, { branches }, (style) =>
    branches.map((branch) => renderBranch(branch, style)).join("\n"),
  );
  return 0;
}

/** Prints the timeline as it grows, until the recovery is through. */
async function follow(invocation: Invocation, client: ApiClient, begun: IncidentView): Promise<ExitCode> {
  const { options, context, json } = invocation;
  let known = begun;
  let shown = 0;
  while (!options.flag("detach")) {
    if (!json) for (const { text } of known.timeline.slice(shown)) say(context, text);
    shown = known.timeline.length;
    if (known.status === "RESOLVED" || known.recovery?.end !== undefined) break;
    await systemClock.sleep(pollMs, context.signal);
    known = await client.incidents.get({ params: { id: begun.id }, signal: context.signal });
  }
  await show(invocation, known);
  const isOver = known.status === "RESOLVED" || known.recovery?.end === "contained";
  return isOver || options.flag("detach") ? 0 : 1;
}

async function show(invocation: Invocation, one: IncidentView): Promise<ExitCode> {
  const { renderIncident } = await import("../render/incidents.ts");
  answer(invocation, one, (style) => renderIncident(one, style));
  return 0;
}

/** The named one, else the only one that is open (or, with `any`, the only one that is not closed). */
async function idOf(
  client: ApiClient,
  word: string | undefined,
  which: "open" | "any" = "open",
): Promise<{ id: string }> {
  if (word !== undefined) return { id: word };
  const { incidents } = await client.incidents.list({ query: {} });
  const left = incidents.filter(
    ({ status, closed, drill }) =>
      drill === undefined && (which === "any" ? !closed : status === "INVESTIGATING"),
  );
  const [only] = left;
  if (!only) throw notFound("there is no open incident", "`roadstead incident` lists all.");
  if (left.length > 1)
    throw usageError(
      "which incident?",
      `Name one of ${left
        .slice(0, 10)
        .map(({ id }) => id)
        .join(", ")}.`,
    );
  return { id: only.id };
}

function texts<Name extends string>(
  { options }: Invocation,
  names: readonly Name[],
): { [K in Name]?: string } {
  const given = names.flatMap((name) => {
    const value = options.text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given) as { [K in Name]?: string };
}
