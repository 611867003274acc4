import type { ApiClient } from "../api/contract/client.ts";
import type { DeploymentView } from "../api/contract/models.ts";
import type { Gathered } from "../bundle/gather-bundle.ts";
import { systemClock } from "../lib/clock.ts";
import { hasCode } from "../lib/platform-error.ts";
import type { Invocation } from "./define-command.ts";
import { say } from "./terminal.ts";

/** How long a control plane that went away during the hand-over may take to come back. */
const awayLimitMs = 60_000;
const pollMs = 300;

/**
 * Posts the bundle (the contents of secrets and configs beside it, in the body only) and returns the deployment. When
 * the connection breaks before the answer, the deployment may or may not have been accepted: once the control plane is
 * back, a deployment that was not there before is taken for ours, and only without one the bundle is sent again.
 */
export async function handOver(
  invocation: Invocation,
  client: ApiClient,
  gathered: Gathered,
  stack: string,
): Promise<DeploymentView> {
  const { settings, context } = invocation;
  const params = { stack, environment: settings.environment };
  const before = await newest(client, params, context.signal);
  const deadline = context.now() + awayLimitMs;
  for (;;) {
    try {
      return await send(invocation, client, gathered, params);
    } catch (error) {
      if (!hasCode(error, "API_UNREACHABLE")) throw error;
      say(context, "the control plane went away during the hand-over; waiting for it");
      const after = await whenBack(client, params, invocation, deadline);
      if (after !== undefined && after.id !== before?.id && after.kind === "deploy") return after;
    }
  }
}

type Params = { stack: string; environment: string };

async function send(
  invocation: Invocation,
  client: ApiClient,
  gathered: Gathered,
  params: Params,
): Promise<DeploymentView> {
  const { options, words, context } = invocation;
  const override = options.text("override");
  const { deployment, warnings } = await client.deployments.create({
    params,
    body: {
      bundle: gathered.bundle,
      label: options.text("label") ?? "",
      services: [...words],
      files: inBase64(gathered.files),
      reason: options.text("reason") ?? "",
      ...(override === undefined ? {} : { override }),
    },
    signal: context.signal,
  });
  const known = new Set(gathered.problems.map((problem) => problem.message));
  for (const warning of warnings) {
    if (!known.has(warning.message)) say(context, `warning: ${warning.message}`);
  }
  return deployment;
}

async function newest(
  client: ApiClient,
  params: Params,
  signal: AbortSignal,
): Promise<DeploymentView | undefined> {
  return (await client.deployments.list({ params, query: { limit: 1 }, signal })).deployments[0];
}

async function whenBack(
  client: ApiClient,
  params: Params,
  { context }: Invocation,
  deadline: number,
): Promise<DeploymentView | undefined> {
  for (;;) {
    await systemClock.sleep(pollMs, context.signal);
    try {
      return await newest(client, params, context.signal);
    } catch (error) {
      if (!hasCode(error, "API_UNREACHABLE") || context.now() > deadline) throw error;
    }
  }
}

/** Contents as the API takes them. */
export function inBase64(files: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]),
  );
}
