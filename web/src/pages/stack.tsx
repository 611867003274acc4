import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useApi, useChange } from "../api/queries.ts";
import { DeploymentLink } from "../features/deployment/deployment-link.tsx";
import { ServiceTable } from "../features/stack/service-table.tsx";
import { StackTabs } from "../features/stack/tabs.tsx";
import { ActionButton } from "../ui/actions.tsx";
import { ago } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Message } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Panel } from "../ui/panel.tsx";
import { scopeText } from "../ui/scope-text.ts";
import { isUnfinished } from "../ui/states.ts";
import { tell, tellFailure } from "../ui/toasts.tsx";

const Topology = lazy(() =>
  import("../features/topology/topology.tsx").then(({ Topology }) => ({ default: Topology })),
);

/** One stack in one environment: what runs, how it hangs together, and what can be done to it. */
export function StackPage() {
  const scope = useParams({ from: "/inside/stacks/$stack/$environment" });
  const status = useApi("GET /stacks/:stack/:environment/status", { params: scope, everyMs: 3000 });
  const topology = useApi("GET /stacks/:stack/:environment/topology", { params: scope });
  const rollback = useChange("POST /stacks/:stack/:environment/rollback");
  const now = useNow(10_000);
  const current = status.data?.current;
  const running = status.data?.deployment;
  return (
    <>
      <PageHead
        title={scope.stack}
        crumbs={
          <>
            <Link to="/stacks">Stacks</Link> / {scope.environment}
          </>
        }
      >
        <Link to="/logs" search={{ scope: scopeText(scope) }} className="button">
          Logs
        </Link>
        <ActionButton
          label="Roll back"
          title={`Roll ${scope.stack} back to the release before?`}
          needs="operate"
          disabled={(current?.number ?? 0) < 2}
          onConfirm={(reason) =>
            rollback.mutate(
              { params: scope, body: { reason } },
              { onSuccess: () => tell("healthy", "Rolling back"), onError: tellFailure },
            )
          }
        >
          <p>Traffic moves to the earlier release; a warm one takes over within a second.</p>
        </ActionButton>
      </PageHead>
      <StackTabs scope={scope} />
      {running && isUnfinished(running.state) && (
        <Message tone="info" live={false}>
          <DeploymentLink id={running.id} state={running.state}>
            A {running.kind} is {running.state}: watch it
          </DeploymentLink>
        </Message>
      )}
      <Panel
        title="Topology"
        note={current && `v${current.number} ${current.label} since ${ago(current.createdAt, now)}`}
      >
        <Loaded query={topology} waitingFor="the topology">
          {(data) => (
            <Suspense fallback={<p className="quiet waiting">Loading the drawing…</p>}>
              <Topology topology={data} statuses={status.data?.services ?? []} />
            </Suspense>
          )}
        </Loaded>
      </Panel>
      <Loaded query={status} waitingFor="the state of the services">
        {(data) => <ServiceTable scope={scope} status={data} />}
      </Loaded>
    </>
  );
}
