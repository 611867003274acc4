import type { DeploymentView, ScopeStatusView } from "../../api/contract/models.ts";
import { formatSeconds } from "../../lib/duration.ts";
import { stepWords } from "../../rollout/step-words.ts";
import type { Style } from "./style.ts";

/** How a deployment ended, in at most one screen. */
export function renderVerdict(
  deployment: DeploymentView,
  status: ScopeStatusView | undefined,
  style: Style,
  success: readonly DeploymentView["state"][] = ["succeeded"],
): string {
  return success.includes(deployment.state)
    ? renderSuccess(deployment, status, style)
    : renderFailure(deployment, status, style);
}

const deeds: Readonly<Record<DeploymentView["kind"], string>> = {
  deploy: "deployed",
  rollback: "rolled back to",
  restart: "restarted",
  scale: "scaled",
  stop: "stopped",
  start: "started",
  down: "taken down",
};

function renderSuccess(
  deployment: DeploymentView,
  status: ScopeStatusView | undefined,
  style: Style,
): string {
  const { stack, environment } = deployment.scope;
  const withRelease = deployment.kind === "deploy" || deployment.kind === "rollback";
  const deed = deployment.state === "aborted" ? `${deployment.kind} aborted` : deeds[deployment.kind];
  const release =
    withRelease && deployment.state === "succeeded" && status?.current
      ? ` ${releaseName(status.current)}`
      : "";
  const head = `${style.good("✓")} ${style.bold(`${stack} (${environment}) ${deed}${release}`)}${tookOf(deployment)}`;
  const urls = withRelease ? urlsOf(status).map((url) => `  ${style.accent(url)}`) : [];
  const returnable = withRelease && deployment.state === "succeeded" && deployment.previous !== undefined;
  const back = returnable
    ? [
        style.dim(
          `  back to the release before: roadstead rollback --stack ${stack}${inEnvironment(environment)}`,
        ),
      ]
    : [];
  return `${[head, ...urls, ...back].join("\n")}\n`;
}

function renderFailure(
  deployment: DeploymentView,
  status: ScopeStatusView | undefined,
  style: Style,
): string {
  const { stack, environment } = deployment.scope;
  const failure = deployment.failure;
  const lines = [
    `${style.bad("✗")} ${style.bold(`${stack} (${environment}): ${deployment.kind} ${deployment.state}`)}${tookOf(deployment)}`,
  ];
  if (failure) {
    if (failure.step) lines.push(`  at    ${stepWords(failure.step)}`);
    lines.push(`  why   ${failure.message}`);
    if (failure.probe && failure.probe.reason !== failure.message)
      lines.push(`  probe ${failure.probe.reason}`);
    if (failure.probe?.body) lines.push(...quoted(failure.probe.body.split("\n").slice(0, 6), style));
    if (failure.exitCode !== undefined) lines.push(`  exit  ${failure.exitCode}`);
    if (failure.lastLines && failure.lastLines.length > 0)
      lines.push(
        `  last lines${failure.service ? ` of ${failure.service}` : ""}:`,
        ...quoted(collapsed(failure.lastLines).slice(-15), style),
      );
    if (failure.hint) lines.push(`  hint  ${failure.hint}`);
  }
  lines.push(`  now   ${failure?.outcome ?? servingNow(status)}`);
  return `${lines.join("\n")}\n`;
}

function quoted(lines: readonly string[], style: Style): string[] {
  return lines.map((line) => style.dim(`        | ${line.slice(0, 160)}`));
}

/** The same line again and again says no more than once with its count. */
function collapsed(lines: readonly string[]): string[] {
  const groups: { line: string; times: number }[] = [];
  for (const line of lines) {
    const last = groups.at(-1);
    if (last?.line === line) last.times += 1;
    else groups.push({ line, times: 1 });
  }
  return groups.map(({ line, times }) => (times === 1 ? line : `${line}  (${times} times)`));
}

function servingNow(status: ScopeStatusView | undefined): string {
  if (status?.current === undefined) return "nothing serves: there is no release that worked before";
  return `${releaseName(status.current)} serves`;
}

/** `v3` or `v3 (label)`: releases are named by number. */
export function releaseName(release: { number: number; label: string }): string {
  return release.label === "" ? `v${release.number}` : `v${release.number} (${release.label})`;
}

/** All public addresses of the stack, in the order of its services. */
export function urlsOf(status: ScopeStatusView | undefined): string[] {
  return (status?.services ?? []).flatMap((service) => [...service.urls]);
}

function tookOf(deployment: DeploymentView): string {
  if (deployment.finishedAt === undefined) return "";
  return ` in ${formatSeconds((deployment.finishedAt - (deployment.startedAt ?? deployment.createdAt)) / 1000)}`;
}

function inEnvironment(environment: string): string {
  return environment === "production" ? "" : ` --env ${environment}`;
}
