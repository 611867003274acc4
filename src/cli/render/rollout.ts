import type { DeploymentView, JournalEntryView, ScopeStatusView } from "../../api/contract/models.ts";
import { formatSeconds } from "../../lib/duration.ts";
import { stepWords } from "../../rollout/step-words.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { left } from "./time.ts";

export type RolloutModel = {
  status: ScopeStatusView;
  deployment?: DeploymentView;
  journal: readonly JournalEntryView[];
};

/** Where a rollout stands: which replicas get which share, the step that runs, the canary's verdicts, the warm window. */
export function renderRollout(model: RolloutModel, now: number, style: Style): string {
  const { status, deployment } = model;
  const { stack, environment } = status.scope;
  const lines = [
    `${style.bold(stack)} ${style.dim(`(${environment})`)}  ${sentence(deployment, status, now)}`,
  ];
  const shares = status.services.flatMap((service) =>
    service.replicas
      .filter((replica) => replica.trafficPercent > 0 || replica.role !== "warm")
      .map((replica) => [
        `  ${service.name}`,
        replica.role,
        replica.release === undefined ? "-" : `v${replica.release}`,
        ...shareOf(service, replica.trafficPercent),
        replica.ready ? style.good("ready") : style.warn(replica.reason ?? "not ready"),
      ]),
  );
  const table =
    shares.length === 0
      ? ""
      : renderTable(["  SERVICE", "ROLE", "RELEASE", "SHARE", "", "STATE"], shares, style);
  const current = runningSteps(model.journal).map(
    (entry) =>
      `  ${style.accent("●")} ${stepWords(entry.step)}, since ${formatSeconds((now - entry.at) / 1000)}`,
  );
  const verdicts = model.journal.flatMap((entry) =>
    entry.event === "stepDone" && entry.result?.kind === "verdict"
      ? [`  ${stepWords(entry.step)}: ${entry.result.verdict}, ${entry.result.detail}`]
      : [],
  );
  const warm = status.warm.map((entry) =>
    style.dim(`  v${entry.number} is kept warm, ${left(entry.until, now)}`),
  );
  const rest = [...verdicts, ...current, ...warm, ...steering(deployment, stack, style)];
  return `${lines.join("\n")}\n${table}${rest.length === 0 ? "" : `${rest.join("\n")}\n`}`;
}

function sentence(deployment: DeploymentView | undefined, status: ScopeStatusView, now: number): string {
  if (deployment && isRunning(deployment))
    return `${deployment.kind} ${deployment.state} for ${formatSeconds((now - (deployment.startedAt ?? deployment.createdAt)) / 1000)}`;
  return status.current ? `at rest, v${status.current.number} serves` : "nothing deployed yet";
}

function steering(deployment: DeploymentView | undefined, stack: string, style: Style): string[] {
  if (!deployment || !isRunning(deployment)) return [];
  return [style.dim(`  roadstead promote ${stack} · roadstead abort ${stack}`)];
}

function isRunning(deployment: DeploymentView): boolean {
  return ["queued", "running", "returning"].includes(deployment.state);
}

function runningSteps(
  journal: readonly JournalEntryView[],
): Extract<JournalEntryView, { event: "stepStarted" }>[] {
  const running = new Map<string, Extract<JournalEntryView, { event: "stepStarted" }>>();
  for (const entry of journal) {
    if (entry.event === "stepStarted") running.set(entry.key, entry);
    else if (entry.event === "stepDone" || entry.event === "stepFailed") running.delete(entry.key);
  }
  return [...running.values()];
}

/** Services that peers reach directly have no share: nothing is shifted for them. */
function shareOf(service: ScopeStatusView["services"][number], percent: number): [string, string] {
  const routed = service.replicas.some((replica) => replica.trafficPercent > 0);
  return routed ? [`${String(Math.round(percent)).padStart(3)} %`, shareBar(percent)] : ["    -", ""];
}

function shareBar(percent: number): string {
  const filled = Math.round(percent / 5);
  return "█".repeat(filled) + "░".repeat(20 - filled);
}
