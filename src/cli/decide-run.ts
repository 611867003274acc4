import type { ApiClient } from "../api/contract/client.ts";
import { connect } from "./connect.ts";
import type { Invocation } from "./define-command.ts";
import { notFound, usageError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import { answer } from "./terminal.ts";

/** Approves or rejects the named run or update, else the only one that waits. */
export async function decideRun(invocation: Invocation, verb: "approve" | "reject"): Promise<ExitCode> {
  const client = await connect(invocation);
  const word = invocation.words[0] ?? (await onlyOne(client));
  const reason = invocation.options.text("reason") ?? "";
  if (verb === "reject" && reason === "")
    throw usageError("why?", "Say it with --reason; the author is told.");
  if (word.includes("/")) return await decideUpdate(invocation, client, { verb, word, reason });
  const run = await client.delivery[verb]({ params: { id: word }, body: { reason } });
  const { renderRun } = await import("./render/runs.ts");
  answer(invocation, run, (style) => renderRun(run, invocation.context.now(), style));
  return 0;
}

/** `stack/environment/service`: the newer image that its auto-update has found. */
async function decideUpdate(
  invocation: Invocation,
  client: ApiClient,
  { verb, word, reason }: { verb: "approve" | "reject"; word: string; reason: string },
): Promise<ExitCode> {
  const [stack = "", environment = "", service = ""] = word.split("/");
  if (service === "") throw usageError(`${word} is no update`, "Write stack/environment/service.");
  const params = { stack, environment, service };
  const update = await client.updates[verb]({ params, body: { reason } });
  const said =
    verb === "approve" ? "approved; it is rolled out as soon as its environment is open" : "rejected";
  answer(invocation, update, () => `${word}: ${update.newest.reference} ${said}\n`);
  return 0;
}

async function onlyOne(client: ApiClient): Promise<string> {
  const { runs } = await client.delivery.runs({ query: { limit: 200 } });
  const { updates } = await client.updates.awaiting({});
  const waiting = [
    ...runs.filter((run) => run.state === "waiting").map((run) => run.id),
    ...updates.map(({ scope, service }) => `${scope.stack}/${scope.environment}/${service}`),
  ];
  const [only] = waiting;
  if (only === undefined)
    throw notFound("nothing waits for approval", "`roadstead pipeline` lists the runs.");
  if (waiting.length > 1) throw usageError("which one?", `Name one of ${waiting.join(", ")}.`);
  return only;
}
