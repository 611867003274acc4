import { reasonOption } from "../carry-out.ts";
import { decideRun } from "../decide-run.ts";
import type { CommandSpec } from "../define-command.ts";

export const approveCommand: CommandSpec = {
  name: "approve",
  summary: "Let a run or an update that waits for approval go on",
  description: "Without a name: the only one that waits. Who decided, and why, is kept in the audit trail.",
  arguments: [{ name: "[run]", description: "run, or stack/environment/service for an update" }],
  options: [reasonOption],
  examples: [{ command: 'roadstead approve --reason "tested on staging"', meaning: "the run that waits" }],
  json: "document",
  exits: [1, 3],
  run: (invocation) => decideRun(invocation, "approve"),
};
