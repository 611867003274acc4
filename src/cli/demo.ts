import { get } from "node:http";
import { relative } from "node:path";
import type { ScopeStatusView } from "../api/contract/models.ts";
import { chooseComposeFiles } from "../bundle/compose-files.ts";
import { follow } from "./carry-out.ts";
import { readyToDeploy } from "./commands/deploy.ts";
import { connect } from "./connect.ts";
import type { Invocation } from "./define-command.ts";
import { CliError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import { handOver } from "./hand-over.ts";
import { type Address, formatAddress } from "./platform/address.ts";
import type { PlatformOptions } from "./platform/control-plane.ts";
import { renderVerdict, urlsOf } from "./render/verdict.ts";
import { resolveSettings } from "./settings.ts";
import { gatherFromOptions } from "./stack-options.ts";
import { errStyle, outStyle, printJson, say } from "./terminal.ts";

/** Deploys the example stack, proves it with real requests through the edge, and says what to try next. */
export async function runDemo(invocation: Invocation, platform: PlatformOptions): Promise<ExitCode> {
  const { context } = invocation;
  const set = chooseComposeFiles([context.demoFolder], context.cwd);
  const gathered = await gatherFromOptions(invocation, set);
  const stack = await readyToDeploy(invocation, gathered);
  if (stack === undefined) return 1;
  // Read again: the first start has just written the token.
  const { token } = resolveSettings(
    { home: platform.home, token: invocation.options.text("token") },
    context,
  );
  const host = `http://${formatAddress(platform.api)}`;
  const client = await connect({ ...invocation, settings: { ...invocation.settings, host, token } });
  say(context, `deploying the example stack ${stack}: page, API, worker and a real PostgreSQL`);
  const deployment = await handOver(invocation, client, gathered, stack);
  const outcome = await follow(invocation, client, deployment);
  if (outcome.left) return 130;
  if (!invocation.json)
    context.stdout.write(renderVerdict(outcome.deployment, outcome.status, outStyle(context)));
  if (outcome.deployment.state !== "succeeded" || outcome.status === undefined) return 1;
  const checks = await checkThroughEdge(outcome.status, platform.http);
  const style = errStyle(context);
  for (const check of checks)
    say(context, `${check.ok ? style.good("✓") : style.bad("✗")} GET ${check.url} answered ${check.answer}`);
  if (invocation.json) printJson(context, { deployment: outcome.deployment, checks });
  if (!checks.every((check) => check.ok)) return 1;
  say(context, nextSteps(invocation, stack, checks[0]?.url ?? ""));
  return 0;
}

type Check = { url: string; ok: boolean; answer: string };

/** One request for each public address, sent to the edge itself, so that no name needs to resolve here. */
async function checkThroughEdge(status: ScopeStatusView, edge: Address): Promise<Check[]> {
  const urls = urlsOf(status);
  if (urls.length === 0)
    throw new CliError("CLI_DEMO_FAILED", "the example stack has no public address", { exitCode: 1 });
  return await Promise.all(
    urls.map(async (url) => {
      const { host, pathname } = new URL(url);
      const path = pathname.startsWith("/api") ? "/api/board" : pathname;
      const code = await statusCodeOf(edge, host, path);
      return { url: new URL(path, url).href, ok: code === 200, answer: String(code) };
    }),
  );
}

function statusCodeOf(edge: Address, host: string, path: string): Promise<number | string> {
  const reachable = edge.host === "0.0.0.0" || edge.host === "::" ? "127.0.0.1" : edge.host;
  return new Promise((resolve) => {
    const request = get(
      { host: reachable, port: edge.port, path, headers: { host }, timeout: 5000 },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? "nothing");
      },
    );
    request.on("timeout", () => request.destroy(new Error("nothing within 5 s")));
    request.on("error", (error) => resolve(error.message));
  });
}

function nextSteps({ context, options }: Invocation, stack: string, url: string): string {
  const style = errStyle(context);
  const folder = relative(context.cwd, context.demoFolder) || ".";
  const { command } = context;
  const named = options.text("home");
  const home = named === undefined ? "" : ` --home ${named}`;
  return [
    "",
    `Open ${style.accent(url)}, then try:`,
    `  HARBOR_VERSION=2 ${command} deploy -f ${folder}/compose.yaml${home}   ${style.dim("another version; watch the page change")}`,
    `  ${command} rollback ${stack}${home}   ${style.dim("and back, at once")}`,
    `  ${command} status${home}`,
    `  ${command} down --platform --all --yes${home}   ${style.dim("leaves nothing running")}`,
  ].join("\n");
}
