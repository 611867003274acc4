import { scopeKey } from "../../rollout/ids.ts";
import type { OverviewView } from "../contract/overview.ts";
import { type BoardFacts, scopeOf } from "./board.ts";
import { type Measured, newest, perSecond } from "./measured.ts";

type Panel = OverviewView["utilisation"];

const groupBy = ["scope", "service"] as const;
const most = 3;

/** The host's gauges and who makes most of each. */
export function utilisationPanel(facts: BoardFacts): Panel {
  const { now, ranges, cores } = facts;
  const one = (metric: "host.cpu" | "host.memory" | "host.memory_total") =>
    newest(ranges, { metric, groupBy: [], now })[0]?.value;
  const [cpu, memory, total] = [one("host.cpu"), one("host.memory"), one("host.memory_total")];
  const disk = perSecond(ranges, ["host.disk_read", "host.disk_write"], { groupBy: [], now })[0]?.value;
  const cpus = newest(ranges, { metric: "replica.cpu", groupBy, now });
  return {
    cpu: {
      ...(cpu === undefined ? {} : { percent: cpu * 100 }),
      top: top(
        facts,
        cpus.map(({ labels, value }) => ({ labels, value: (value / cores) * 100 })),
      ),
    },
    memory: {
      ...(memory === undefined || total === undefined ? {} : { percent: (memory / total) * 100 }),
      top: top(facts, memoryShares(facts, total)),
    },
    disk: {
      ...(disk === undefined ? {} : { bytesPerSecond: disk }),
      top: top(facts, perSecond(ranges, ["replica.disk_read", "replica.disk_write"], { groupBy, now })),
    },
  };
}

/** Of a service's own limit; without one, of the host. */
function memoryShares({ now, ranges }: BoardFacts, total: number | undefined): Measured[] {
  const limits = new Map(
    newest(ranges, { metric: "replica.memory_limit", groupBy, now }).map(({ labels, value }) => [
      JSON.stringify(labels),
      value,
    ]),
  );
  return newest(ranges, { metric: "replica.memory", groupBy, now }).flatMap(({ labels, value }) => {
    const limit = limits.get(JSON.stringify(labels)) ?? total;
    return limit === undefined ? [] : [{ labels, value: (value / limit) * 100 }];
  });
}

function top({ scopes }: BoardFacts, values: readonly Measured[]): Panel["cpu"]["top"] {
  const seen = new Set(scopes.map(({ scope }) => scopeKey(scope)));
  return values
    .flatMap(({ labels, value }) => {
      const scope = scopeOf(labels["scope"]);
      const service = labels["service"];
      return scope && service && seen.has(scopeKey(scope)) && value > 0 ? [{ scope, service, value }] : [];
    })
    .sort((a, b) => b.value - a.value)
    .slice(0, most);
}
