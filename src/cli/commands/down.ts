import type { ApiClient } from "../../api/contract/client.ts";
import type { ScopeStatusView } from "../../api/contract/models.ts";
import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { printJson, say } from "../terminal.ts";

export const downCommand: CommandSpec = {
  name: "down",
  summary: "Remove a stack: routes, replicas and networks; volumes only when asked",
  description:
    "With --platform: stop control plane and edge of this machine instead; replicas go on and are adopted by the next up, unless --all removes all stacks first.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [
    stackOption,
    { flags: "--volumes", description: "also remove the volumes: their data is gone" },
    { flags: "--platform", description: "stop the control plane and the edge" },
    { flags: "--all", description: "with --platform: remove all stacks first" },
    yesOption,
    ...followOptions,
    reasonOption,
  ],
  examples: [
    { command: "roadstead down harbor", meaning: "keeps the volumes" },
    { command: "roadstead down harbor --volumes --yes", meaning: "everything, without asking" },
    { command: "roadstead down --platform --all --yes", meaning: "leave nothing running" },
  ],
  json: "document",
  exits: [1, 3, 4],
  run: down,
};

async function down(invocation: Invocation): Promise<ExitCode> {
  const { options, words } = invocation;
  if (options.flag("platform")) return await platformDown(invocation);
  if (options.flag("all")) throw usageError("--all goes with --platform");
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client, words[0]);
  const volumes = options.flag("volumes");
  await confirm(invocation, question(status, volumes));
  return await takeDown(invocation, client, status);
}

function question({ scope, services }: ScopeStatusView, volumes: boolean): string {
  const data = volumes ? " and its volumes with ALL THEIR DATA" : "; its volumes are kept";
  return `Remove ${scope.stack} (${scope.environment}) with ${services.length} services${data}?`;
}

async function takeDown(
  invocation: Invocation,
  client: ApiClient,
  status: ScopeStatusView,
): Promise<ExitCode> {
  const deployment = await client.stacks.down({
    params: paramsOf(status.scope),
    query: {
      volumes: invocation.options.flag("volumes"),
      reason: invocation.options.text("reason") ?? "",
    },
    signal: invocation.context.signal,
  });
  return await carryOut(invocation, client, deployment);
}

async function platformDown(invocation: Invocation): Promise<ExitCode> {
  const { settings, options, context, json } = invocation;
  const { endProcess, findControlPlane, findEdges, findRegistries } = await import(
    "../platform/control-plane.ts"
  );
  if (options.flag("all")) {
    await confirm(invocation, "Remove ALL stacks, then stop control plane and edge?");
    const client = await connect(invocation);
    for (const status of (await client.stacks.list({ signal: context.signal })).stacks) {
      const exit = await takeDown(invocation, client, status);
      if (exit !== 0) return exit;
    }
  }
  const stopped: number[] = [];
  const controlPlane = findControlPlane(settings.home);
  if (controlPlane && (await endProcess(controlPlane.pid))) stopped.push(controlPlane.pid);
  for (const { pid } of [...findEdges(settings.home), ...findRegistries(settings.home)])
    if (await endProcess(pid)) stopped.push(pid);
  if (json) printJson(context, { stopped });
  if (stopped.length === 0) say(context, `nothing runs with the home ${settings.home}`);
  else
    say(
      context,
      `stopped ${stopped.length} process${stopped.length === 1 ? "" : "es"}; start again: roadstead up`,
    );
  return 0;
}
