import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { Chart } from "../../ui/chart.tsx";
import { Panel } from "../../ui/panel.tsx";

/** p95 of each service over the last 24 hours against the target, with what happened meanwhile. */
export function ResponseTimePanel({ panel }: { panel: OverviewView["responseTime"] }) {
  const { from, to, targetMs, series, markers } = panel;
  return (
    <Panel
      title={
        <>
          <span className="caps">Response Time</span> (p95 Latency)
        </>
      }
      note="[Last 24 hours]"
    >
      <Chart
        from={from}
        to={to}
        target={{ value: targetMs, name: `Target (${targetMs}ms)` }}
        series={series.map(({ scope, service, points }) => ({
          key: `${scope.stack}/${scope.environment}/${service}`,
          name:
            series.filter((other) => other.service === service).length > 1
              ? `${scope.stack} ${service}`
              : service,
          points: points.map(({ at, p95 }) => ({ at, value: p95 })),
        }))}
        markers={markers}
      />
    </Panel>
  );
}
