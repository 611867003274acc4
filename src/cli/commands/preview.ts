import type { ApiClient } from "../../api/contract/client.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { renderTable } from "../render/table.ts";
import { left } from "../render/time.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

const actions = ["list", "start", "stop"];

export const previewCommand: CommandSpec = {
  name: "preview",
  summary: "List, start or stop previews: whole stacks of a pull request or a branch",
  description:
    "Each preview is an environment of its own, with its own network, volumes and host names, and the variables of the environment `preview`. It goes when its pull request closes, when its time is over, or with `stop`; its volumes go with it.",
  arguments: [
    { name: "[action]", description: "list (default), start or stop" },
    { name: "[name]", description: "start: source; stop: preview, or SOURCE/PREVIEW" },
    { name: "[ref]", description: "start: branch, tag or commit" },
  ],
  options: [
    { flags: "-s, --source <source>", description: "list: only this source" },
    { flags: "-f, --follow", description: "start: watch to the end" },
    { flags: "--reason <text>", description: "start: why; kept in the audit trail" },
  ],
  examples: [
    { command: "roadstead preview", meaning: "what there is, where it answers, how long" },
    { command: "roadstead preview start shop tea --follow", meaning: "a branch, by hand" },
    { command: "roadstead preview stop pr-7", meaning: "gone, with its volumes" },
  ],
  json: "document",
  exits: [1, 3],
  run: preview,
};

async function preview(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", name, ref] = invocation.words;
  const client = await connect(invocation);
  switch (action) {
    case "list":
      return await list(invocation, client);
    case "start":
      if (name === undefined || ref === undefined)
        throw usageError("which source and branch?", "Write roadstead preview start SOURCE REF");
      return await start(invocation, client, { source: name, ref });
    case "stop":
      if (name === undefined) throw usageError("which preview?", "Write roadstead preview stop NAME");
      return await stop(invocation, client, name);
    default:
      throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  }
}

async function list(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const source = invocation.options.text("source");
  const found = await client.forge.previews({ query: source === undefined ? {} : { source } });
  const rows = found.previews.map((one) => [
    `${one.source}/${one.name}`,
    one.commit.slice(0, 7),
    one.title,
    one.closing === undefined ? left(one.expiresAt, invocation.context.now()) : `going: ${one.closing}`,
    one.urls.join(" "),
  ]);
  answer(invocation, found, (style) =>
    rows.length === 0
      ? "There is no preview. Turn them on for a source: roadstead source NAME --previews on\n"
      : renderTable(["PREVIEW", "COMMIT", "TITLE", "LEFT", "ANSWERS AT"], rows, style),
  );
  return 0;
}

async function start(
  invocation: Invocation,
  client: ApiClient,
  { source, ref }: { source: string; ref: string },
): Promise<ExitCode> {
  const { options, context } = invocation;
  const body = { ref, reason: options.text("reason") ?? "" };
  const made = await client.forge.startPreview({ params: { source }, body });
  say(context, `accepted as ${made.run}; watch it with: roadstead pipeline show ${made.run} --follow`);
  if (!options.flag("follow")) {
    answer(invocation, made, () => `${source}/${made.name}\n`);
    return 0;
  }
  const run = await followRun(invocation, client, made.run);
  answer(invocation, { ...made, state: run.state }, () => `${source}/${made.name} ${run.state}\n`);
  return run.state === "succeeded" ? 0 : 1;
}

async function stop(invocation: Invocation, client: ApiClient, name: string): Promise<ExitCode> {
  const { previews } = await client.forge.previews();
  const fitting = previews.filter((one) => one.name === name || `${one.source}/${one.name}` === name);
  const [found, second] = fitting;
  if (!found) {
    const known = previews.map((one) => `${one.source}/${one.name}`);
    throw notFound(`there is no preview ${name}`, suggestionHint(name, known, "preview"));
  }
  if (second) throw usageError(`${name} is of ${found.source} and ${second.source}`, "Write SOURCE/NAME");
  const params = { source: found.source, name: found.name };
  const stopped = await client.forge.stopPreview({ params });
  answer(invocation, stopped, () => `${found.source}/${found.name} goes away, with its volumes\n`);
  return 0;
}
