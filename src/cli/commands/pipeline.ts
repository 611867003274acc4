import type { ApiClient } from "../../api/contract/client.ts";
import type { RunView } from "../../api/contract/delivery.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

const actions = ["list", "show", "start", "abort"];

export const pipelineCommand: CommandSpec = {
  name: "pipeline",
  summary: "List, show, start or abort the runs that take commits to releases",
  description:
    "A run goes through its phases in order: fetch, jobs, build, gates, deploy. `show` prints each phase with its time; --follow watches to the end.",
  arguments: [
    { name: "[action]", description: "list (default), show, start or abort" },
    { name: "[name]", description: "run (show, abort; default: the newest) or source (start)" },
    { name: "[ref]", description: "start: branch, tag or commit (default: main)" },
  ],
  options: [
    { flags: "-s, --source <source>", description: "list: only this source" },
    { flags: "-f, --follow", description: "show, start: watch to the end" },
    {
      flags: "--timeline",
      description: "show: the ten steps from merge to rollback window, planned and actual",
    },
    { flags: "--no-cache", description: "start: build the images anew, without the cache" },
    { flags: "--reason <text>", description: "why; kept in the audit trail" },
  ],
  examples: [
    { command: "roadstead pipeline", meaning: "what was delivered" },
    { command: "roadstead pipeline show", meaning: "the newest run as a timeline" },
    { command: "roadstead pipeline start shop main --env staging", meaning: "a known commit, elsewhere" },
  ],
  json: "document",
  exits: [1, 3],
  run: pipeline,
};

async function pipeline(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", name, ref = "main"] = invocation.words;
  const client = await connect(invocation);
  switch (action) {
    case "list":
      return await list(invocation, client);
    case "show":
      return await show(invocation, client, name);
    case "start":
      if (name === undefined)
        throw usageError("which source?", "Write roadstead pipeline start SOURCE [REF]");
      return await start(invocation, client, { source: name, ref });
    case "abort": {
      const run = await runOf(client, name);
      const params = { id: run.id };
      await client.delivery.abort({ params, body: { reason: invocation.options.text("reason") ?? "" } });
      return await show(invocation, client, run.id);
    }
    default:
      throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  }
}

async function list(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const source = invocation.options.text("source");
  const found = await client.delivery.runs({ query: source === undefined ? {} : { source } });
  const { renderRuns } = await import("../render/runs.ts");
  answer(invocation, found, (style) => renderRuns(found.runs, invocation.context.now(), style));
  return 0;
}

async function start(
  invocation: Invocation,
  client: ApiClient,
  { source, ref }: { source: string; ref: string },
): Promise<ExitCode> {
  const { settings, options, context } = invocation;
  const environment = settings.environmentNamed ? { environment: settings.environment } : {};
  const cache = options.notDisabled("cache") ? {} : { noCache: true };
  const body = { ref, ...environment, ...cache, reason: options.text("reason") ?? "" };
  const run = await client.delivery.start({ params: { source }, body });
  say(context, `accepted as ${run.id}; watch it with: roadstead pipeline show ${run.id} --follow`);
  return await show(invocation, client, run.id);
}

async function show(invocation: Invocation, client: ApiClient, id: string | undefined): Promise<ExitCode> {
  let run = await runOf(client, id);
  if (invocation.options.flag("follow")) run = await followRun(invocation, client, run.id);
  if (invocation.options.flag("timeline")) {
    const timeline = await client.gates.timeline({ params: { id: run.id } });
    const { renderTimeline } = await import("../render/timeline.ts");
    answer(invocation, timeline, (style) => renderTimeline(timeline, style));
    return 0;
  }
  const { renderRun } = await import("../render/runs.ts");
  answer(invocation, run, (style) => renderRun(run, invocation.context.now(), style));
  return run.state === "failed" || run.state === "rejected" ? 1 : 0;
}

/** By id, else the newest. */
export async function runOf(client: ApiClient, id: string | undefined): Promise<RunView> {
  if (id !== undefined) return await client.delivery.run({ params: { id } });
  const { runs } = await client.delivery.runs({ query: { limit: 1 } });
  const [newest] = runs;
  if (!newest) throw usageError("nothing was delivered yet", "Push something: roadstead push");
  return newest;
}
