import { type ComponentName, componentOf } from "../../policy/board-words.ts";
import type { ServiceStatus } from "../../reconciler/engine.ts";
import { scopeKey } from "../../rollout/ids.ts";
import type { Series } from "../../telemetry/port.ts";
import type { OverviewView } from "../contract/overview.ts";
import type { BoardFacts } from "./board.ts";
import { chartStepMs, dayMs, mean } from "./measured.ts";

type Row = OverviewView["projects"][number];
type Component = NonNullable<Row["web"]>;

const states: Readonly<Record<ServiceStatus["state"], Component["state"]>> = {
  healthy: "up",
  completed: "up",
  degraded: "warn",
  starting: "warn",
  down: "down",
  stopped: "down",
  "crash-looping": "down",
  unknown: "unknown",
};
const gravest: readonly Component["state"][] = ["down", "warn", "unknown", "up"];

type Facts = Pick<BoardFacts, "scopes" | "alerts" | "deployments" | "ranges" | "now">;

/** One row per stack and environment: its components, its availability, its last deploy. */
export function projectRows({ scopes, alerts, deployments, ranges, now }: Facts): Row[] {
  const day = { from: now - dayMs, to: now + 1, step: chartStepMs };
  const up = (["service.up", "route.up"] as const).map((metric) =>
    ranges.range({ metric, groupBy: ["scope"], ...day }),
  );
  return scopes.map(({ scope, services }) => {
    const key = scopeKey(scope);
    const warned = new Set(
      alerts
        .filter(({ severity, subject }) => severity !== "info" && subject.scope === key)
        .map(({ subject }) => subject.service),
    );
    const availability = leastMean(up.map((all) => all.find(({ labels }) => labels["scope"] === key)));
    const last = deployments.find((deployment) => scopeKey(deployment.scope) === key);
    return {
      scope,
      ...componentsOf(services, warned),
      ...(availability === undefined ? {} : { availability }),
      ...(last && {
        lastDeploy: { at: last.at, release: last.release, number: last.number, deployment: last.id },
      }),
    };
  });
}

/** Replicas that run are of no use to visitors who don't reach them, and the other way round: the worse one counts. */
function leastMean(measured: readonly (Series | undefined)[]): number | undefined {
  const means = measured.flatMap((series) =>
    series?.kind === "gauge" ? (mean(series.points.map((point) => point.avg)) ?? []) : [],
  );
  return means.length === 0 ? undefined : Math.min(...means);
}

function componentsOf(
  services: readonly ServiceStatus[],
  warned: ReadonlySet<string | undefined>,
): Partial<Record<ComponentName, Component>> {
  const found: Partial<Record<ComponentName, Component>> = {};
  for (const { name, kind, urls, state, message } of services) {
    const column = componentOf({ name, kind, routed: urls.length > 0 });
    if (column === undefined) continue;
    const own = states[state] === "up" && warned.has(name) ? "warn" : states[state];
    const before = found[column];
    const text = before?.message ?? message;
    found[column] = {
      state: gravest.find((one) => one === own || one === before?.state) ?? own,
      services: [...(before?.services ?? []), name],
      ...(text === undefined ? {} : { message: text }),
    };
  }
  return found;
}
