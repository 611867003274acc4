import { Link, useSearch } from "@tanstack/react-router";
import type { DeploymentView } from "../../../src/api/contract/models.ts";
import { useApi } from "../api/queries.ts";
import { StackTabs } from "../features/stack/tabs.tsx";
import { minute, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Empty } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Table } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { parseScope, scopeText } from "../ui/scope-text.ts";
import { deploymentTone, isUnfinished } from "../ui/states.ts";

const shown = 100;

/** Every attempt to change what runs, newest first; of one stack when the address names it. */
export function Deployments() {
  const scope = parseScope(useSearch({ from: "/inside/deployments" }).scope);
  const query = useApi("GET /deployments", { query: { limit: shown }, everyMs: 10_000 });
  return (
    <>
      <PageHead title="Deployments" {...(scope ? { crumbs: <ScopeLink scope={scope} /> } : {})} />
      {scope && <StackTabs scope={scope} />}
      <Loaded query={query} waitingFor="the deployments">
        {({ deployments }) => {
          const rows = deployments.filter(
            (deployment) => !scope || scopeText(deployment.scope) === scopeText(scope),
          );
          if (rows.length === 0)
            return (
              <Empty run="./roadstead deploy -f compose.yaml">
                <p>Nothing was deployed yet. In the folder of a Compose file, run:</p>
              </Empty>
            );
          return (
            <Table
              label="Deployments"
              head={["Deployment", "Stack", "State", "By", "Began", "Took", "Reason"]}
            >
              {rows.map((deployment) => (
                <Row key={deployment.id} deployment={deployment} />
              ))}
            </Table>
          );
        }}
      </Loaded>
    </>
  );
}

function Row({ deployment }: { deployment: DeploymentView }) {
  const now = useNow();
  const { id, kind, state, scope, label, services, requestedBy, reason, createdAt, failure } = deployment;
  const began = deployment.startedAt ?? createdAt;
  return (
    <tr>
      <td className="nowrap">
        <Link to="/deployments/$id" params={{ id }} data-row="">
          {kind} {label || services?.join(", ")}
        </Link>
      </td>
      <td className="nowrap">
        <ScopeLink scope={scope} />
      </td>
      <td>
        <Mark tone={deploymentTone[state]}>{state}</Mark>
        {failure && <div className="small quiet clip">{failure.message}</div>}
      </td>
      <td>{requestedBy}</td>
      <td className="nowrap">{minute(began)}</td>
      <td className="nowrap">
        {isUnfinished(state) ? span(now - began) : span((deployment.finishedAt ?? began) - began)}
      </td>
      <td>{reason}</td>
    </tr>
  );
}
