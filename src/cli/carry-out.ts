import type { ApiClient } from "../api/contract/client.ts";
import type { DeploymentView, ScopeStatusView } from "../api/contract/models.ts";
import { systemClock } from "../lib/clock.ts";
import { hasCode } from "../lib/platform-error.ts";
import { paramsOf } from "./choose-scope.ts";
import type { Invocation, OptionSpec } from "./define-command.ts";
import type { ExitCode } from "./exit-code.ts";
import { LiveView } from "./live-view.ts";
import { renderVerdict } from "./render/verdict.ts";
import { outStyle, printJson, say } from "./terminal.ts";

/** Options of every command that starts a deployment. */
export const followOptions: readonly OptionSpec[] = [
  { flags: "-d, --detach", description: "return once it is accepted, don't wait for the end" },
  { flags: "--verbose", description: "also show the output of builds and jobs" },
];

export const reasonOption: OptionSpec = {
  flags: "--reason <text>",
  description: "why; kept in the audit trail",
};

export type Outcome = {
  deployment: DeploymentView;
  status?: ScopeStatusView;
  /** Ctrl-C, or detached: the deployment goes on without this command. */
  left: boolean;
};

/** Follows a deployment that was accepted to its end, says how it ended, and answers the exit code. */
export async function carryOut(
  invocation: Invocation,
  client: ApiClient,
  deployment: DeploymentView,
  success: readonly DeploymentView["state"][] = ["succeeded"],
): Promise<ExitCode> {
  const { context, options, json } = invocation;
  if (options.flag("detach")) {
    if (json) printJson(context, { deployment });
    else context.stdout.write(`${deployment.id}\n`);
    say(context, `accepted; watch it with: roadstead rollout --stack ${deployment.scope.stack}`);
    return 0;
  }
  const outcome = await follow(invocation, client, deployment);
  if (outcome.left) return 130;
  if (json) printJson(context, { deployment: outcome.deployment, status: outcome.status });
  else context.stdout.write(renderVerdict(outcome.deployment, outcome.status, outStyle(context), success));
  return success.includes(outcome.deployment.state) ? 0 : 1;
}

/** Shows the progress until the deployment has ended; Ctrl-C leaves it running and says how to get back to it. */
export async function follow(
  invocation: Invocation,
  client: ApiClient,
  deployment: DeploymentView,
): Promise<Outcome> {
  const { context, options } = invocation;
  const { followDeployment } = await import("../api/contract/follow-deployment.ts");
  const view = new LiveView(context, options.flag("verbose"));
  try {
    const events = followDeployment(client, deployment.id, {
      clock: systemClock,
      signal: context.signal,
      onLost: () =>
        view.note("the control plane went away; waiting for it (the deployment goes on when it is back)"),
    });
    for await (const event of events) {
      if (event.type === "entry") {
        view.show(event.entry);
        continue;
      }
      view.close();
      return {
        deployment: event.deployment,
        left: false,
        ...(await statusAfter(client, deployment, context.signal)),
      };
    }
    return { deployment: await client.deployments.get({ params: { id: deployment.id } }), left: false };
  } catch (error) {
    if (!context.signal.aborted) throw error;
    view.close();
    const { stack } = deployment.scope;
    say(
      context,
      `\nDetached: the ${deployment.kind} goes on. Watch: roadstead rollout ${stack} · stop: roadstead abort ${stack}`,
    );
    return { deployment, left: true };
  } finally {
    view.close();
  }
}

/**
 * What runs after the end. A stack that was taken down has no status any more, and one whose first deployment failed
 * before it made anything has none yet: how it ended is then all there is to say.
 */
export async function statusAfter(
  client: ApiClient,
  deployment: Pick<DeploymentView, "kind" | "scope">,
  signal: AbortSignal,
): Promise<{ status?: ScopeStatusView }> {
  try {
    return { status: await client.stacks.status({ params: paramsOf(deployment.scope), signal }) };
  } catch (error) {
    const isGone = deployment.kind === "down" || hasCode(error, "ENGINE_STACK_UNKNOWN");
    if (isGone || hasCode(error, "API_UNREACHABLE")) return {};
    throw error;
  }
}
