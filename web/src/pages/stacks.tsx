import type { ScopeStatusView } from "../../../src/api/contract/models.ts";
import { useApi } from "../api/queries.ts";
import { DeploymentLink } from "../features/deployment/deployment-link.tsx";
import { ago } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Empty } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Table } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { gravest, isUnfinished, serviceTone } from "../ui/states.ts";

/** All stacks and environments, one row each. */
export function Stacks() {
  const query = useApi("GET /stacks", { everyMs: 5000 });
  return (
    <>
      <PageHead title="Stacks" />
      <Loaded query={query} waitingFor="the stacks">
        {({ stacks }) =>
          stacks.length === 0 ? (
            <Empty run="./roadstead deploy -f compose.yaml">
              <p>Nothing is deployed yet. In the folder of a Compose file, run:</p>
            </Empty>
          ) : (
            <Table
              label="Stacks"
              head={["Stack", "Environment", "Health", "Services", "Release", "Deployed", "Now"]}
            >
              {stacks.map((status) => (
                <StackRow key={`${status.scope.stack}/${status.scope.environment}`} status={status} />
              ))}
            </Table>
          )
        }
      </Loaded>
    </>
  );
}

function StackRow({ status: { scope, services, current, deployment } }: { status: ScopeStatusView }) {
  const now = useNow(10_000);
  const fine = services.filter(({ state }) => serviceTone[state] === "healthy").length;
  const worst = services.filter(
    ({ state }) => serviceTone[state] === gravest(services.map((s) => serviceTone[s.state])),
  );
  return (
    <tr>
      <td>
        <ScopeLink scope={scope} row />
      </td>
      <td>{scope.environment}</td>
      <td>
        <Mark tone={gravest(services.map(({ state }) => serviceTone[state]))}>
          {fine === services.length
            ? "healthy"
            : worst
                .slice(0, 3)
                .map(({ name, state }) => `${name} ${state}`)
                .join(", ")}
        </Mark>
      </td>
      <td className="nowrap">
        {fine} / {services.length}
      </td>
      <td className="nowrap">{current ? `v${current.number} ${current.label}` : "none"}</td>
      <td className="nowrap">{current ? ago(current.createdAt, now) : ""}</td>
      <td>
        {deployment && isUnfinished(deployment.state) ? (
          <DeploymentLink id={deployment.id} state={deployment.state}>
            {deployment.kind} {deployment.state}
          </DeploymentLink>
        ) : (
          <span className="quiet">nothing runs</span>
        )}
      </td>
    </tr>
  );
}
