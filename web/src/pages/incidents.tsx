import { Link } from "@tanstack/react-router";
import type { IncidentView } from "../../../src/api/contract/incidents.ts";
import { useApi } from "../api/queries.ts";
import { Drills } from "../features/incidents/drills.tsx";
import { against, kindWords } from "../features/incidents/incident-words.ts";
import { OpenIncident } from "../features/incidents/open-incident.tsx";
import { minute, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Empty } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Panel, Table } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";

/** What went wrong, what was done about it, and how often that was rehearsed. */
export function Incidents() {
  const query = useApi("GET /incidents", { query: { limit: 200 }, everyMs: 5000 });
  return (
    <>
      <PageHead title="Incidents and drills">
        <OpenIncident />
      </PageHead>
      <Loaded query={query} waitingFor="the incidents">
        {({ incidents }) => {
          const real = incidents.filter(({ drill }) => drill === undefined);
          return (
            <Panel title="Incidents">
              {real.length === 0 ? (
                <Empty run={'./roadstead incident open --kind database --stack shop --impact "orders fail"'}>
                  <p>
                    There was none yet. A service that crashes opens, recovers and resolves one by itself;
                    what else goes wrong you report here, or with:
                  </p>
                </Empty>
              ) : (
                <Table
                  label="Incidents"
                  head={["Incident", "Stack", "Status", "Began", "Lasted", "Recovered in", "Open work"]}
                >
                  {real.map((incident) => (
                    <Row key={incident.id} incident={incident} />
                  ))}
                </Table>
              )}
            </Panel>
          );
        }}
      </Loaded>
      <Drills />
    </>
  );
}

function Row({ incident }: { incident: IncidentView }) {
  const now = useNow(5000);
  const { id, title, kind, scope, status, startedAt, resolvedAt, times, open, closed } = incident;
  return (
    <tr>
      <td>
        <Link to="/incidents/$id" params={{ id }} data-row="">
          {title}
        </Link>
        <div className="small quiet">{kindWords[kind]}</div>
      </td>
      <td>{scope ? <ScopeLink scope={scope} /> : "the host"}</td>
      <td>
        <Status status={status} />
      </td>
      <td className="nowrap">{minute(startedAt)}</td>
      <td className="nowrap">{span((resolvedAt ?? now) - startedAt)}</td>
      <td className="nowrap">
        <span className={times.met === false ? "tone-critical" : undefined}>
          {against(times.rto, times.rtoTarget)}
        </span>
      </td>
      <td>{closed ? <span className="quiet">closed by {closed.by}</span> : open.length || "none"}</td>
    </tr>
  );
}

export function Status({ status }: { status: IncidentView["status"] }) {
  return status === "RESOLVED" ? (
    <Mark tone="healthy">RESOLVED</Mark>
  ) : (
    <Mark tone="critical">INVESTIGATING</Mark>
  );
}
