import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { millis, percent, whole } from "../../ui/format.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { ScopeLink } from "../../ui/scope.tsx";

type Row = OverviewView["databases"][number];

/** What the database servers say of themselves. */
export function DatabasesPanel({ databases }: { databases: readonly Row[] }) {
  return (
    <Panel
      title={<span className="caps">Database Performance</span>}
      note={
        databases.length > 0 && (
          <Link to="/slow-queries" className="mark">
            <Search size={12} aria-hidden="true" /> View Slow Queries
          </Link>
        )
      }
    >
      {databases.length === 0 ? (
        <p className="quiet">No stack has a database that can be asked.</p>
      ) : (
        <Table
          label="Database performance"
          head={["Database", "Connections", "Query Time (avg)", "Slow Queries", "Cache Hit Rate"]}
        >
          {databases.map((row) => (
            <tr key={`${row.scope.stack}/${row.scope.environment}/${row.service}/${row.database}`}>
              <td>
                {row.database} <span className="quiet small">{row.service} of </span>
                <span className="small">
                  <ScopeLink scope={row.scope} />
                </span>
              </td>
              <td>
                {row.connections ?? "–"} / {row.connectionsMax ?? "–"}
              </td>
              <td>{row.queryMeanMs === undefined ? "–" : millis(row.queryMeanMs)}</td>
              <td>{row.slowQueries === undefined ? "–" : whole(row.slowQueries)}</td>
              <td>{row.cacheHit === undefined ? "–" : percent(row.cacheHit)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}
