import { Link } from "@tanstack/react-router";
import type { RunView } from "../../../src/api/contract/delivery.ts";
import { useApi } from "../api/queries.ts";
import { AwaitingUpdates } from "../features/updates/awaiting.tsx";
import { minute, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark, type Tone } from "../ui/mark.tsx";
import { Empty } from "../ui/message.tsx";
import { PageHead, Table } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { runTone } from "../ui/states.ts";

export const phaseTone: Record<RunView["phases"][number]["state"], Tone> = {
  pending: "unknown",
  running: "busy",
  waiting: "warning",
  done: "healthy",
  skipped: "unknown",
  failed: "critical",
};

/** From pushes to deployments, newest first. */
export function Runs() {
  const query = useApi("GET /runs", { query: { limit: 100 }, everyMs: 10_000 });
  return (
    <>
      <PageHead title="Pipeline runs" />
      <AwaitingUpdates />
      <Loaded query={query} waitingFor="the runs">
        {({ runs }) =>
          runs.length === 0 ? (
            <Empty run="./roadstead push --remote">
              <p>
                No commit came this way yet. In a Git repository with a Compose file, this sends the present
                commit and sets the remote up, so that <code>git push roadstead</code> works from then on:
              </p>
            </Empty>
          ) : (
            <Table label="Pipeline runs" head={["Commit", "Stack", "State", "Phases", "By", "Began", "Took"]}>
              {runs.map((run) => (
                <tr key={run.id}>
                  <td>
                    <Link to="/runs/$id" params={{ id: run.id }} data-row="">
                      {run.subject === "" ? run.commit.slice(0, 10) : run.subject}
                    </Link>
                    <div className="small quiet">
                      {run.ref.replace("refs/heads/", "")}{" "}
                      <span className="mono">{run.commit.slice(0, 8)}</span>
                    </div>
                  </td>
                  <td className="nowrap">
                    <ScopeLink scope={run.scope} />
                  </td>
                  <td>
                    <Mark tone={runTone[run.state]}>{run.state}</Mark>
                    {run.failure && <div className="small quiet clip">{run.failure.message}</div>}
                  </td>
                  <td>
                    <span className="row phases">
                      {run.phases.map(({ name, state }) => (
                        <span key={name} title={`${name}: ${state}`}>
                          <Mark tone={phaseTone[state]} />
                          <span className="sr">
                            {name} {state},
                          </span>
                        </span>
                      ))}
                    </span>
                  </td>
                  <td>{run.requestedBy}</td>
                  <td className="nowrap">{minute(run.startedAt ?? run.createdAt)}</td>
                  <td className="nowrap">
                    {run.finishedAt === undefined
                      ? ""
                      : span(run.finishedAt - (run.startedAt ?? run.createdAt))}
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
    </>
  );
}
