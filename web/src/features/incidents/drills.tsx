import { Link } from "@tanstack/react-router";
import type { DrillScheduleView, DrillView } from "../../../../src/api/contract/incidents.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { ago, minute } from "../../ui/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Mark } from "../../ui/mark.tsx";
import { Empty } from "../../ui/message.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { ScopeLink } from "../../ui/scope.tsx";
import { type Scope, scopeText } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";
import { against, drillTone, kindWords } from "./incident-words.ts";

/** Rehearsals of the recovery: target beside what was achieved. */
export function Drills() {
  const query = useApi("GET /drills", { everyMs: 5000 });
  const stacks = useApi("GET /stacks");
  const [first] = stacks.data?.stacks ?? [];
  return (
    <Panel title="Drills">
      <Loaded query={query} waitingFor="the drills">
        {({ drills, schedules }) => (
          <div className="stack">
            {drills.length === 0 ? (
              <Empty run={`./roadstead drill all ${first?.scope.stack ?? "shop"}`}>
                <p>
                  No recovery was rehearsed yet. A drill brings a stack up once more, breaks the copy,
                  recovers it and measures that against its target; the stack itself is not touched:
                </p>
              </Empty>
            ) : (
              <Table
                label="Drills"
                head={["Drill", "Stack", "Result", "Recovered in", "Data lost", "When", "By"]}
              >
                {drills.map((drill) => (
                  <Row key={drill.id} drill={drill} />
                ))}
              </Table>
            )}
            <div className="row">
              {stacks.data?.stacks.map(({ scope }) => (
                <Start key={scopeText(scope)} scope={scope} />
              ))}
            </div>
            <Schedules schedules={schedules} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Row({ drill }: { drill: DrillView }) {
  const { branch, scope, live, state, detail, rto, rtoTarget, rpo, rpoTarget, incident, startedAt, by } =
    drill;
  return (
    <tr>
      <td>
        {incident === undefined ? (
          kindWords[branch]
        ) : (
          <Link to="/incidents/$id" params={{ id: incident }} data-row="">
            {kindWords[branch]}
          </Link>
        )}{" "}
        {live && <span className="tag">live</span>}
      </td>
      <td>
        <ScopeLink scope={scope} />
      </td>
      <td>
        <Mark tone={drillTone[state]}>{state}</Mark>
        {detail !== undefined && <div className="small quiet">{detail}</div>}
      </td>
      <td className="nowrap">{against(rto, rtoTarget)}</td>
      <td className="nowrap">
        {rpoTarget === undefined && rpo === undefined ? "–" : against(rpo, rpoTarget)}
      </td>
      <td className="nowrap">{minute(startedAt)}</td>
      <td>{by}</td>
    </tr>
  );
}

function Start({ scope }: { scope: Scope }) {
  const start = useChange("POST /stacks/:stack/:environment/drills");
  return (
    <ActionButton
      label={`Rehearse ${scopeText(scope)}`}
      title={`Rehearse the recovery of ${scopeText(scope)}?`}
      needs="operate"
      disabled={start.isPending}
      onConfirm={() =>
        start.mutate(
          { params: scope, body: { branches: ["service", "database", "security"] } },
          { onSuccess: () => tell("healthy", "The drills have begun"), onError: tellFailure },
        )
      }
    >
      <p>
        A copy is brought up beside it, broken three ways and recovered. That takes CPU and memory for some
        minutes; the stack itself goes on.
      </p>
    </ActionButton>
  );
}

function Schedules({ schedules }: { schedules: readonly DrillScheduleView[] }) {
  const now = useNow(30_000);
  if (schedules.length === 0)
    return (
      <p className="small quiet">
        No drill is scheduled. Every Sunday at four:{" "}
        <code>./roadstead drill schedule STACK &quot;0 4 * * 0&quot;</code>
      </p>
    );
  return (
    <ul className="small quiet">
      {schedules.map(({ scope, cron, timeZone, nextAt }) => (
        <li key={scopeText(scope)}>
          {scopeText(scope)}: <code>{cron}</code> ({timeZone})
          {nextAt !== undefined && `, next ${ago(nextAt, now)}`}
        </li>
      ))}
    </ul>
  );
}
