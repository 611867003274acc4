import { Link } from "@tanstack/react-router";
import { useApi } from "../api/queries.ts";
import { ago, millis, whole } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Empty } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Table } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";

/** The slowest statements of all databases, without what was in them. */
export function SlowQueries() {
  const query = useApi("GET /databases/slow-queries", { everyMs: 10_000 });
  const now = useNow(10_000);
  return (
    <>
      <PageHead title="Slow queries" crumbs={<Link to="/">Overview</Link>} />
      <Loaded query={query} waitingFor="the slow queries">
        {({ queries }) =>
          queries.length === 0 ? (
            <Empty>
              <p>
                No slow statement was seen since the control plane began. Slow is 200 ms and more, or what the
                stack says. Where PostgreSQL lacks <code>pg_stat_statements</code>, only those that run at the
                moment of a look are seen.
              </p>
            </Empty>
          ) : (
            <Table label="Slow queries" head={["Statement", "Database", "Mean", "Longest", "Runs", "Last"]}>
              {queries.map(({ scope, service, database, text, calls, meanMs, maxMs, lastSeen }) => (
                <tr key={`${scope.stack} ${scope.environment} ${service} ${database} ${text}`}>
                  <td className="mono break">{text}</td>
                  <td>
                    {database}{" "}
                    <span className="small quiet">
                      {service} of <ScopeLink scope={scope} />
                    </span>
                  </td>
                  <td className="nowrap">{millis(meanMs)}</td>
                  <td className="nowrap">{millis(maxMs)}</td>
                  <td>{whole(calls)}</td>
                  <td className="nowrap">{ago(lastSeen, now)}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
    </>
  );
}
