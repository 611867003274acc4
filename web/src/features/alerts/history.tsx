import { useApi } from "../../api/queries.ts";
import { minute, span } from "../../ui/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { AlertMark } from "../../ui/mark.tsx";
import { Panel, Table } from "../../ui/panel.tsx";

/** What is over. */
export function History() {
  const query = useApi("GET /alerts/history", { query: { limit: 100 }, everyMs: 30_000 });
  return (
    <Panel title="History">
      <Loaded query={query} waitingFor="the history">
        {({ alerts }) =>
          alerts.length === 0 ? (
            <p className="quiet">No alert has ended yet.</p>
          ) : (
            <Table
              label="Past alerts"
              head={["Severity", "About", "Message", "Began", "Lasted", "Acknowledged"]}
            >
              {alerts.map(
                ({ id, severity, about, subject, message, firedAt, resolvedAt, acknowledgedBy }) => (
                  <tr key={`${id} ${firedAt}`}>
                    <td>
                      <AlertMark severity={severity} />
                    </td>
                    <td>
                      {about} <span className="quiet small">{subject.scope}</span>
                    </td>
                    <td>{message}</td>
                    <td className="nowrap">{minute(firedAt)}</td>
                    <td className="nowrap">{span(resolvedAt - firedAt)}</td>
                    <td>{acknowledgedBy}</td>
                  </tr>
                ),
              )}
            </Table>
          )
        }
      </Loaded>
    </Panel>
  );
}
