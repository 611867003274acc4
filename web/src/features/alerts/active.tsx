import type { AlertView } from "../../../../src/api/contract/alerts.ts";
import { useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { ago } from "../../ui/format.ts";
import { AlertMark } from "../../ui/mark.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { parseScope } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";

const hourMs = 3_600_000;

/** What holds now, with what to do about it. */
export function ActiveAlerts({ alerts }: { alerts: readonly AlertView[] }) {
  return (
    <Panel title="Active">
      {alerts.length === 0 ? (
        <p className="quiet">Nothing is wrong, as far as the rules below can see.</p>
      ) : (
        <Table label="Active alerts" head={["Severity", "About", "Message", "Since", ""]}>
          {alerts.map((alert) => (
            <Row key={alert.id} alert={alert} />
          ))}
        </Table>
      )}
    </Panel>
  );
}

function Row({ alert }: { alert: AlertView }) {
  const acknowledge = useChange("POST /alerts/:id/acknowledge");
  const silence = useChange("POST /alerts/silences");
  const now = useNow(5000);
  const { id, severity, about, message, detail, hint, since, acknowledged, quiet, flapping, subject, rule } =
    alert;
  const told = (text: string) => ({ onSuccess: () => tell("healthy", text), onError: tellFailure });
  return (
    <tr>
      <td>
        <AlertMark severity={severity} />
      </td>
      <td>
        <b>{about}</b>
        <div className="small quiet">{subject.scope}</div>
      </td>
      <td>
        {message} {flapping && <span className="tag">flapping</span>}
        {detail !== undefined && <div className="small quiet">{detail}</div>}
        <div className="small">{hint}</div>
        {acknowledged && <div className="small quiet">{acknowledged.by} has it</div>}
        {quiet !== undefined && <div className="small quiet">Nobody is told: {quiet}</div>}
      </td>
      <td className="nowrap">{ago(since, now)}</td>
      <td>
        <span className="row">
          <ActionButton
            label="Acknowledge"
            title="You have it?"
            needs="operate"
            disabled={acknowledged !== undefined}
            onConfirm={(reason) =>
              acknowledge.mutate({ params: { id }, body: { reason } }, told("Acknowledged"))
            }
          >
            <p>Reminders and calls stop until it gets worse.</p>
          </ActionButton>
          <ActionButton
            label="Silence 1 h"
            title="Tell nobody for an hour?"
            needs="operate"
            onConfirm={(reason) =>
              silence.mutate(
                {
                  body: {
                    ...parseScope(subject.scope),
                    ...(subject.service === undefined ? {} : { service: subject.service }),
                    rule,
                    until: Date.now() + hourMs,
                    reason: reason || "silenced in the dashboard",
                  },
                },
                told("Silenced for an hour"),
              )
            }
          />
        </span>
      </td>
    </tr>
  );
}
