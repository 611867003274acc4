import { Link, useParams } from "@tanstack/react-router";
import type { IncidentView } from "../../../src/api/contract/incidents.ts";
import { useApi } from "../api/queries.ts";
import { Checklist } from "../features/incidents/checklist.tsx";
import { Decisions } from "../features/incidents/decisions.tsx";
import { against, kindWords } from "../features/incidents/incident-words.ts";
import { Messages } from "../features/incidents/messages.tsx";
import { Note } from "../features/incidents/note.tsx";
import { clock, minute, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Message } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Panel } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { Status } from "./incidents.tsx";

/** One incident: how far its recovery is, everything that happened, and what is left to do. */
export function IncidentPage() {
  const { id } = useParams({ from: "/inside/incidents/$id" });
  const query = useApi("GET /incidents/:id", { params: { id }, everyMs: 3000 });
  return (
    <Loaded query={query} waitingFor="the incident">
      {(incident) => <Shown incident={incident} />}
    </Loaded>
  );
}

function Shown({ incident }: { incident: IncidentView }) {
  const { title, kind, scope, status, drill, recovery, causes, impact, evidence, acknowledged } = incident;
  return (
    <>
      <PageHead
        title={title}
        crumbs={
          <>
            <Link to="/incidents">Incidents</Link> / {scope ? <ScopeLink scope={scope} /> : "the host"} /{" "}
            {kindWords[kind]}
          </>
        }
      >
        <Decisions incident={incident} />
      </PageHead>
      <p className="row">
        <Status status={status} />
        {drill !== undefined && <span className="tag">drill</span>}
        {acknowledged && <span className="quiet">{acknowledged.by} has it</span>}
        {impact !== "" && <span>{impact}</span>}
      </p>
      {recovery && recovery.end === undefined && (
        <Message tone="info" live={false}>
          <p>
            The recovery is at: <b>{recovery.text}</b>
          </p>
        </Message>
      )}
      <Facts incident={incident} />
      <div className="split">
        <Panel title="Timeline">
          <ol className="timeline">
            {incident.timeline.map(({ at, kind: sort, text, by }) => (
              <li key={`${at} ${text}`}>
                <time className="small quiet" dateTime={new Date(at).toISOString()}>
                  {clock(at)}
                </time>
                <div>
                  {text} {by !== "roadstead" && <span className="quiet">{by}</span>}
                </div>
                <span className="small quiet">{sort}</span>
              </li>
            ))}
          </ol>
          <Note id={incident.id} />
        </Panel>
        <div className="stack">
          <Checklist incident={incident} />
          {causes.length > 0 && incident.rootCause === undefined && (
            <Panel title="What it may have been">
              <ul>
                {causes.map(({ text, likelihood }) => (
                  <li key={text}>
                    {text} <span className="tag">{likelihood}</span>
                  </li>
                ))}
              </ul>
            </Panel>
          )}
          <Messages id={incident.id} />
          {evidence && (
            <Panel title="Evidence">
              <p className="break">
                {evidence.files} files in <code>{evidence.folder}</code>
              </p>
              <p className="small quiet mono break">{evidence.sha256}</p>
            </Panel>
          )}
        </div>
      </div>
    </>
  );
}

function Facts({ incident }: { incident: IncidentView }) {
  const now = useNow(1000);
  const { startedAt, resolvedAt, times, service, affected, openedBy } = incident;
  const facts: [string, string | undefined][] = [
    ["Began", minute(startedAt)],
    [resolvedAt === undefined ? "Lasts" : "Lasted", span((resolvedAt ?? now) - startedAt)],
    ["Recovered in", against(times.rto, times.rtoTarget)],
    ["Data lost", times.rpoTarget === undefined ? undefined : against(times.rpo, times.rpoTarget)],
    ["Service", service],
    ["Affected", affected],
    ["Opened by", openedBy],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd className={name === "Recovered in" && times.met === false ? "tone-critical" : undefined}>
              {value}
            </dd>
          </div>
        ),
      )}
    </dl>
  );
}
