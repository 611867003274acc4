import { BellOff } from "lucide-react";
import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { clock } from "../../ui/format.ts";
import { AlertMark } from "../../ui/mark.tsx";
import { Panel, Table } from "../../ui/panel.tsx";

/** What is wrong now, gravest first. */
export function AlertsPanel({ alerts }: { alerts: OverviewView["alerts"] }) {
  return (
    <Panel title={<span className="caps">Active Alerts</span>}>
      <div aria-live="polite">
        {alerts.length > 0 && (
          <Table label="Active alerts" head={["Severity", "Service", "Message", "Since"]}>
            {alerts.map(({ id, severity, subject, message, since, acknowledgedBy }) => (
              <tr key={id}>
                <td>
                  <AlertMark severity={severity} />
                </td>
                <td>{subject}</td>
                <td>
                  {message}
                  {acknowledgedBy !== undefined && <span className="quiet"> · seen by {acknowledgedBy}</span>}
                </td>
                <td className="nowrap">{clock(since)}</td>
              </tr>
            ))}
          </Table>
        )}
        {!alerts.some(({ severity }) => severity === "critical") && (
          <p className="mark quiet">
            <BellOff size={14} aria-hidden="true" /> No Critical Alerts
          </p>
        )}
      </div>
    </Panel>
  );
}
