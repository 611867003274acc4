import { reasonOption } from "../carry-out.ts";
import { decideRun } from "../decide-run.ts";
import type { CommandSpec } from "../define-command.ts";

export const rejectCommand: CommandSpec = {
  name: "reject",
  summary: "End a run or an update that waits for approval",
  description: "Without a name: the only one that waits. Who decided, and why, is kept in the audit trail.",
  arguments: [{ name: "[run]", description: "run, or stack/environment/service for an update" }],
  options: [reasonOption],
  examples: [{ command: 'roadstead reject --reason "the demo failed"', meaning: "the run that waits" }],
  json: "document",
  exits: [1, 3],
  run: (invocation) => decideRun(invocation, "reject"),
};
