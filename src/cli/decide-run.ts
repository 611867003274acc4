import type { RunView } from "../api/contract/delivery.ts";
import { connect } from "./connect.ts";
import type { Invocation } from "./define-command.ts";
import { notFound, usageError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import { answer } from "./terminal.ts";

/** Approves or rejects the named run, else the only one that waits. */
export async function decideRun(invocation: Invocation, verb: "approve" | "reject"): Promise<ExitCode> {
  const client = await connect(invocation);
  const { runs } = await client.delivery.runs({ query: { limit: 200 } });
  const waiting = runs.filter((run) => run.state === "waiting");
  const id = invocation.words[0] ?? onlyOne(waiting);
  const reason = invocation.options.text("reason") ?? "";
  if (verb === "reject" && reason === "")
    throw usageError("why?", "Say it with --reason; the author is told.");
  const run = await client.delivery[verb]({ params: { id }, body: { reason } });
  const { renderRun } = await import("./render/runs.ts");
  answer(invocation, run, (style) => renderRun(run, invocation.context.now(), style));
  return 0;
}

function onlyOne(waiting: readonly RunView[]): string {
  const [only] = waiting;
  if (!only) throw notFound("nothing waits for approval", "`roadstead pipeline` lists the runs.");
  if (waiting.length > 1)
    throw usageError("which run?", `Name one of ${waiting.map((run) => run.id).join(", ")}.`);
  return only.id;
}
