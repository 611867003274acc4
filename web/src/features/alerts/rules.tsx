import type { AlertRuleView } from "../../../../src/api/contract/alerts.ts";
import { useApi } from "../../api/queries.ts";
import { span } from "../../ui/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { AlertMark } from "../../ui/mark.tsx";
import { Panel, Table } from "../../ui/panel.tsx";
import { RulesHelp } from "./rules-help.tsx";

/** Every rule with its thresholds and what it sees now; a stack changes them under `x-roadstead.alerts`. */
export function Rules() {
  const query = useApi("GET /alerts/rules", { everyMs: 15_000 });
  return (
    <Panel
      title="Rules"
      note={
        <>
          thresholds of a stack: <code>x-roadstead.alerts</code> in its Compose file
        </>
      }
    >
      <RulesHelp />
      <Loaded query={query} waitingFor="the rules">
        {({ rules }) => (
          <Table label="Rules" head={["Rule", "Where", "Thresholds", "Sees now"]}>
            {rules.map((rule) => (
              <tr key={`${rule.name} ${rule.scope ?? ""}`}>
                <td>
                  <b>{rule.title}</b>
                  <div className="small quiet mono">{rule.name}</div>
                </td>
                <td>{rule.scope ?? "everywhere"}</td>
                <td>
                  {rule.levels.map(({ severity, threshold, forSeconds }) => (
                    <div key={severity} className="row">
                      <AlertMark severity={severity} /> {threshold}
                      {forSeconds > 0 && <span className="quiet">for {span(forSeconds * 1000)}</span>}
                    </div>
                  ))}
                </td>
                <td>
                  <Values values={rule.values} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
    </Panel>
  );
}

const most = 4;

/** The highest first; the rest as a number. */
function Values({ values }: { values: AlertRuleView["values"] }) {
  const sorted = [...values].sort((a, b) => b.value - a.value);
  if (sorted.length === 0) return <span className="quiet">nothing measured</span>;
  return (
    <>
      {sorted.slice(0, most).map(({ subject, about, text }) => (
        <div key={`${subject.scope} ${about} ${text}`} className="small">
          {about} <span className="quiet">{text}</span>
        </div>
      ))}
      {sorted.length > most && <div className="small quiet">and {sorted.length - most} more</div>}
    </>
  );
}
