import { formatSeconds } from "../../lib/duration.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderTable } from "../render/table.ts";
import { answer } from "../terminal.ts";

export const smokeCommand: CommandSpec = {
  name: "smoke",
  summary: "Ask the smoke checks of what serves now, through the edge",
  description:
    "The checks are those that the stack file declares (`x-roadstead.smoke`), the same that each deployment asks. Exit code 1 when one does not answer as written.",
  arguments: [{ name: "[stack]", description: "stack (default: the one here, else the only one)" }],
  options: [stackOption],
  examples: [
    { command: "roadstead smoke shop", meaning: "one line for each check" },
    { command: "roadstead smoke shop --env staging", meaning: "of another environment" },
  ],
  json: "document",
  exits: [1, 3],
  run: smoke,
};

async function smoke(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const { scope } = await chooseScope(invocation, client, invocation.words[0]);
  const found = await client.gates.smoke({ params: paramsOf(scope), signal: invocation.context.signal });
  answer(invocation, found, (style) => {
    if (found.checks.length === 0)
      return `${scope.stack} declares no smoke checks.\n  x-roadstead: {smoke: ["GET /health 200"]}\n`;
    const rows = found.checks.map((check) => [
      check.ok ? style.good("✓") : style.bad("✗"),
      check.service,
      check.request,
      `${check.status ?? "-"}/${check.expected}`,
      formatSeconds(check.durationMs / 1000),
      check.message ?? "",
    ]);
    return renderTable(["", "SERVICE", "REQUEST", "STATUS/EXPECTED", "TIME", ""], rows, style);
  });
  return found.ok ? 0 : 1;
}
