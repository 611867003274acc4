import type { DeploymentView } from "../../../../src/api/contract/models.ts";
import { span } from "../../ui/format.ts";
import { Mark } from "../../ui/mark.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { Comparison } from "./comparison.tsx";
import type { Journal } from "./journal.ts";

/** The canary's watches: its share, how long, and the verdict on its own traffic against what served before. */
export function CanaryTable({ deployment, journal }: { deployment: DeploymentView; journal: Journal }) {
  const now = useNow();
  const watches = journal.steps.flatMap((line) =>
    line.step.kind === "watchCanary" ? [{ ...line, step: line.step }] : [],
  );
  if (watches.length === 0) return null;
  return (
    <>
      <Panel title="Canary" note="judged on its own traffic">
        <Table
          label="Watches of the canary"
          head={["Service", "New release", "Release before", "Watched", "Verdict"]}
        >
          {watches.map(({ key, step, state, startedAt, durationMs, result, failure }) => {
            const watched = durationMs ?? now - startedAt;
            const verdict = result?.kind === "verdict" ? result : undefined;
            const failed = state === "failed" || verdict?.verdict === "fail";
            return (
              <tr key={key}>
                <td>{step.service}</td>
                <td>{step.weight}%</td>
                <td>{100 - step.weight}%</td>
                <td className="nowrap">
                  {span(watched)} of {span(step.forSeconds * 1000)}
                </td>
                <td>
                  <Mark tone={state === "running" ? "busy" : failed ? "critical" : "healthy"}>
                    {state === "running" ? "watching" : (verdict?.verdict ?? state)}
                  </Mark>
                  <div className="small quiet">{verdict?.detail ?? failure?.message}</div>
                </td>
              </tr>
            );
          })}
        </Table>
        {deployment.state === "returning" && (
          <p className="tone-critical">Withdrawn: all traffic goes back to the release before.</p>
        )}
      </Panel>
      {watches.map(({ key, step, startedAt, durationMs }) => (
        <Comparison
          key={key}
          scope={deployment.scope}
          service={step.service}
          from={startedAt}
          to={durationMs === undefined ? undefined : startedAt + durationMs}
        />
      ))}
    </>
  );
}
