import type { ScopeStatusView, ServiceStatusView } from "../../api/contract/models.ts";
import { readyCount, stateWords } from "./health.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago, left } from "./time.ts";
import { releaseName } from "./verdict.ts";

/** All stacks: release, health of each service, the warm window, what is running now. */
export function renderStatus(stacks: readonly ScopeStatusView[], now: number, style: Style): string {
  if (stacks.length === 0) return "No stack yet. Deploy one: roadstead deploy -f compose.yaml\n";
  return stacks.map((stack) => renderStack(stack, now, style)).join("\n");
}

function renderStack(status: ScopeStatusView, now: number, style: Style): string {
  const { stack, environment } = status.scope;
  const release = status.current
    ? `${releaseName(status.current)}, made ${ago(status.current.createdAt, now)}`
    : "nothing deployed yet";
  const lines = [`${style.bold(stack)} ${style.dim(`(${environment})`)}  ${release}`];
  for (const warm of status.warm)
    lines.push(style.dim(`  v${warm.number} is kept warm for a rollback, ${left(warm.until, now)}`));
  if (status.deployment) {
    const { kind, state, id } = status.deployment;
    lines.push(
      style.warn(`  a ${kind} is ${state}: roadstead rollout --stack ${stack}`) + style.dim(`  ${id}`),
    );
  }
  if (status.unobserved) {
    const { code, message, hint } = status.unobserved;
    lines.push(style.bad(`  ${message} (${code})`), ...(hint === undefined ? [] : [style.dim(`  ${hint}`)]));
  }
  const rows = status.services.map((service) => [
    `  ${service.name}`,
    service.kind,
    stateWords(service, style),
    `${readyCount(service)}/${service.wanted}`,
    service.urls.map((url) => style.accent(url)).join(" "),
  ]);
  const table =
    rows.length === 0 ? "" : renderTable(["  SERVICE", "KIND", "STATE", "READY", "URL"], rows, style);
  const messages = status.services
    .filter((service) => service.message !== undefined && service.message !== "")
    // What holds for all of them is said once.
    .filter((service) => service.message !== status.unobserved?.message)
    .map((service) => `  ${style.warn("!")} ${service.name}: ${service.message}\n`);
  return `${lines.join("\n")}\n${table}${messages.join("")}`;
}

/** One row for each replica. */
export function renderReplicas(stacks: readonly ScopeStatusView[], now: number, style: Style): string {
  const rows = stacks.flatMap((status) =>
    status.services.flatMap((service) =>
      service.replicas.map((replica) => [
        replica.id,
        replica.release === undefined ? "-" : `v${replica.release}`,
        replica.role,
        replicaState(replica, style),
        service.replicas.some((other) => other.trafficPercent > 0)
          ? `${Math.round(replica.trafficPercent)} %`
          : "-",
        replica.startedAt === undefined ? "-" : ago(replica.startedAt, now),
        String(replica.restarts),
        replica.address ?? "-",
      ]),
    ),
  );
  if (rows.length === 0) return "No replica runs.\n";
  return renderTable(
    ["REPLICA", "RELEASE", "ROLE", "STATE", "TRAFFIC", "STARTED", "RESTARTS", "ADDRESS"],
    rows,
    style,
  );
}

function replicaState(replica: ServiceStatusView["replicas"][number], style: Style): string {
  if (replica.state === "running") return replica.ready ? style.good("ready") : style.warn("not ready");
  if (replica.state === "exited" && replica.exitCode !== undefined)
    return style.dim(`exited (${replica.exitCode})`);
  return style.dim(replica.state);
}
