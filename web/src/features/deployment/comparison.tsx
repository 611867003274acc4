import { useApi } from "../../api/queries.ts";
import { millis, percent, whole } from "../../ui/format.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { type Scope, scopeText } from "../../ui/scope-text.ts";

const passMs = 10_000;
const hourMs = 3_600_000;

/** The canary's own traffic beside that of what served before, while it is or was watched. */
export function Comparison({
  scope,
  service,
  from,
  to,
}: {
  scope: Scope;
  service: string;
  from: number;
  /** Absent while it goes on. */
  to: number | undefined;
}) {
  const window = {
    match: `scope:${scopeText(scope)},service:${service}`,
    from,
    // The pass in which it ended is counted a little later.
    to: to === undefined ? from + hourMs : to + passMs,
    step: passMs,
  };
  const live = to === undefined ? { everyMs: 2000 } : {};
  const requests = useApi("GET /telemetry/range", {
    query: { metric: "edge.requests", groupBy: "scope,release,code", ...window },
    ...live,
  });
  const latency = useApi("GET /telemetry/range", {
    query: { metric: "edge.latency", groupBy: "scope,release", ...window },
    ...live,
  });
  const rows = new Map<string, { all: number; failed: number }>();
  for (const series of requests.data?.series ?? []) {
    if (series.kind !== "counter") continue;
    const { release = "?", code } = series.labels;
    const count = series.points.reduce((sum, point) => sum + point.increase, 0);
    const row = rows.get(release) ?? { all: 0, failed: 0 };
    const failed = code === "5xx" || code === "failed" ? count : 0;
    rows.set(release, { all: row.all + count, failed: row.failed + failed });
  }
  const shown = [...rows].filter(([, { all }]) => all > 0).sort(([a], [b]) => Number(b) - Number(a));
  if (shown.length === 0) return null;
  return (
    <Panel title={`${service}: new against old`} note="while the canary is watched">
      <Table
        label={`Releases of ${service}`}
        head={["Release", "Requests", "Errors", "p95, last 10 s with requests"]}
      >
        {shown.map(([release, { all, failed }]) => {
          const series = latency.data?.series.find(({ labels }) => labels["release"] === release);
          const last =
            series?.kind === "histogram" ? series.points.findLast(({ count }) => count > 0) : undefined;
          return (
            <tr key={release}>
              <td>v{release}</td>
              <td>{whole(all)}</td>
              <td>{percent(failed / all, 2)}</td>
              <td>{last === undefined ? "–" : millis(last.p95)}</td>
            </tr>
          );
        })}
      </Table>
    </Panel>
  );
}
