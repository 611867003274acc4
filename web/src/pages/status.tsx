import { useApi } from "../api/queries.ts";
import { History } from "../features/status/history.tsx";
import { Brand } from "../ui/brand.tsx";
import { clock, minute, percent, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Panel } from "../ui/panel.tsx";

const words = {
  up: { tone: "healthy", word: "works" },
  warn: { tone: "warning", word: "degraded" },
  down: { tone: "critical", word: "down" },
  unknown: { tone: "unknown", word: "not known" },
} as const;

const troubles = { service: "a service failed", database: "a database failed", server: "the host failed" };

/** What strangers see: whether it works. Served by the control plane, so it answers also when every stack is down. */
export function StatusPage() {
  const query = useApi("GET /public/status", { everyMs: 30_000 });
  return (
    <main className="status-page">
      <Loaded query={query} waitingFor="the state">
        {({ title, state, at, stacks, incidents }) => (
          <>
            <h1>{title}</h1>
            <p className="status-sum" aria-live="polite">
              <Sum state={state} worked={incidents.some(({ resolvedAt }) => resolvedAt === undefined)} />
            </p>
            {stacks.map((stack) => (
              <Panel
                key={stack.name}
                title={stack.name}
                note={
                  stack.availability === undefined
                    ? undefined
                    : `${percent(stack.availability, 2)} in 24 hours`
                }
              >
                <ul>
                  {stack.components.map(({ name, state: now }) => (
                    <li key={name} className="row apart status-line">
                      {name} <Mark tone={words[now].tone}>{words[now].word}</Mark>
                    </li>
                  ))}
                </ul>
                <History days={stack.days} at={at} />
              </Panel>
            ))}
            <Panel title="Incidents of the last 14 days">
              {incidents.length === 0 ? (
                <p className="quiet">There was none.</p>
              ) : (
                <ul>
                  {incidents.map(({ stack, kind, startedAt, resolvedAt }) => (
                    <li key={`${startedAt} ${kind} ${stack}`} className="row apart status-line">
                      <span>
                        {stack === undefined ? "" : `${stack}: `}
                        {troubles[kind]} <span className="quiet">{minute(startedAt)}</span>
                      </span>
                      {resolvedAt === undefined ? (
                        <Mark tone="critical">being worked on</Mark>
                      ) : (
                        <Mark tone="healthy">resolved after {span(resolvedAt - startedAt)}</Mark>
                      )}
                    </li>
                  ))}
                </ul>
              )}
            </Panel>
            <p className="small quiet">As of {clock(at)}; this page looks again by itself.</p>
          </>
        )}
      </Loaded>
      <footer className="brand small">
        <Brand />
      </footer>
    </main>
  );
}

function Sum({ state, worked }: { state: keyof typeof words; worked: boolean }) {
  if (state === "up" && worked) return <Mark tone="warning">Up, while an incident is being worked on</Mark>;
  const sums = {
    up: "Everything works",
    warn: "Some things are degraded",
    down: "There is an outage",
    unknown: "Nothing is known",
  };
  return <Mark tone={words[state].tone}>{sums[state]}</Mark>;
}
