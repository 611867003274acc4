import type { ApiClient } from "../../api/contract/client.ts";
import type { DeploymentView, JournalEntryView, ScopeStatusView } from "../../api/contract/models.ts";
import { carryOut } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const rolloutCommand: CommandSpec = {
  name: "rollout",
  summary: "Show where a rollout stands: shares, steps, canary verdicts, warm window",
  description: "With --follow: watch the running deployment to its end, like deploy does.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [
    stackOption,
    { flags: "--follow", description: "watch the running deployment to its end" },
    { flags: "--verbose", description: "with --follow: also show the output of builds and jobs" },
  ],
  examples: [
    { command: "roadstead rollout harbor", meaning: "now" },
    { command: "roadstead rollout harbor --follow", meaning: "to the end" },
  ],
  json: "document",
  exits: [1, 3],
  run: rollout,
};

/** A snapshot of the journal never takes longer than this: it is history, not a live view. */
const snapshotLimitMs = 700;

async function rollout(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client, invocation.words[0]);
  const deployment = await runningOf(client, status);
  const unfinished = deployment !== undefined && deployment.finishedAt === undefined;
  if (unfinished && invocation.options.flag("follow")) return await carryOut(invocation, client, deployment);
  const journal = deployment === undefined ? [] : await journalOf(client, deployment);
  const model = { status, journal, ...(deployment === undefined ? {} : { deployment }) };
  const { renderRollout } = await import("../render/rollout.ts");
  answer(invocation, model, (style) => renderRollout(model, invocation.context.now(), style));
  return 0;
}

async function runningOf(client: ApiClient, status: ScopeStatusView): Promise<DeploymentView | undefined> {
  if (status.deployment) return await client.deployments.get({ params: { id: status.deployment.id } });
  const { deployments } = await client.deployments.list({
    params: paramsOf(status.scope),
    query: { limit: 1 },
  });
  return deployments[0];
}

/** The journal so far: the event stream is history first, so what came within the limit is the past. */
async function journalOf(client: ApiClient, deployment: DeploymentView): Promise<JournalEntryView[]> {
  const entries: JournalEntryView[] = [];
  const signal = AbortSignal.timeout(snapshotLimitMs);
  try {
    for await (const event of client.deployments.events({ params: { id: deployment.id }, signal })) {
      if (event.type === "end") break;
      entries.push(event.entry);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return entries;
}
