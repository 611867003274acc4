import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const versionCommand: CommandSpec = {
  name: "version",
  summary: "Print the versions of the CLI and of the control plane",
  description: "The control plane is asked when it answers; the CLI's own version needs nothing.",
  examples: [{ command: "roadstead version --json", meaning: "for a bug report" }],
  json: "document",
  exits: [],
  run: version,
};

async function version(invocation: Invocation): Promise<ExitCode> {
  const { context, settings } = invocation;
  const { answersHealth } = await import("../platform/control-plane.ts");
  const model = {
    cli: context.version,
    node: process.versions.node,
    controlPlane: (await answersHealth(settings.host)) ? await versionOf(invocation) : undefined,
  };
  answer(
    invocation,
    model,
    () =>
      `roadstead ${model.cli} (node ${model.node})\ncontrol plane: ${model.controlPlane ?? `none answers at ${settings.host}`}\n`,
  );
  return 0;
}

async function versionOf(invocation: Invocation): Promise<string> {
  const { connect } = await import("../connect.ts");
  const client = await connect(invocation);
  return (await client.system.health({ signal: invocation.context.signal })).version;
}
