import { useParams } from "@tanstack/react-router";
import type { DeploymentView, ScopeStatusView } from "../../../src/api/contract/models.ts";
import { useApi, useChange } from "../api/queries.ts";
import { CanaryTable } from "../features/deployment/canary.tsx";
import { type Journal, useJournal } from "../features/deployment/journal.ts";
import { StepList } from "../features/deployment/step-list.tsx";
import { Weights } from "../features/deployment/weights.tsx";
import { ActionButton } from "../ui/actions.tsx";
import { minute, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Message } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Panel } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { deploymentTone, isUnfinished } from "../ui/states.ts";
import { tell, tellFailure } from "../ui/toasts.tsx";

/** One deployment, live while it runs: steps, traffic, the canary against what served before. */
export function DeploymentPage() {
  const { id } = useParams({ from: "/inside/deployments/$id" });
  const query = useApi("GET /deployments/:id", { params: { id } });
  const journal = useJournal(id);
  return (
    <Loaded query={query} waitingFor="the deployment">
      {(deployment) => <Shown deployment={journal.ended ?? deployment} journal={journal} />}
    </Loaded>
  );
}

function Shown({ deployment, journal }: { deployment: DeploymentView; journal: Journal }) {
  const { scope, kind, label, state, requestedBy, reason } = deployment;
  const unfinished = isUnfinished(state);
  const status = useApi("GET /stacks/:stack/:environment/status", {
    params: scope,
    ...(unfinished ? { everyMs: 1000 } : {}),
  });
  const now = useNow();
  const began = deployment.startedAt ?? deployment.createdAt;
  const done = journal.steps.filter((line) => line.state === "done").length;
  return (
    <>
      <PageHead
        title={`${kind[0]?.toUpperCase()}${kind.slice(1)} ${label || scope.stack}`}
        crumbs={<ScopeLink scope={scope} />}
      >
        <Steering deployment={deployment} journal={journal} status={status.data} />
      </PageHead>
      <dl className="facts">
        <Fact name="State">
          <span aria-live="polite">
            <Mark tone={deploymentTone[state]}>{state}</Mark>
          </span>
        </Fact>
        <Fact name="Steps">
          {done} of {Math.max(journal.total, journal.steps.length)} done
        </Fact>
        <Fact name={unfinished ? "Running for" : "Took"}>{span((deployment.finishedAt ?? now) - began)}</Fact>
        <Fact name="Began">{minute(began)}</Fact>
        <Fact name="By">{requestedBy}</Fact>
        {reason !== "" && <Fact name="Reason">{reason}</Fact>}
      </dl>
      {deployment.failure && <FailureOf failure={deployment.failure} />}
      <CanaryTable deployment={deployment} journal={journal} />
      {unfinished && status.data && <Weights status={status.data} />}
      <Panel title="Steps" note={journal.notes.at(-1)?.message}>
        <StepList steps={journal.steps} />
      </Panel>
    </>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function FailureOf({ failure }: { failure: NonNullable<DeploymentView["failure"]> }) {
  return (
    <Message tone="critical">
      <p>
        <b>{failure.message}</b>
      </p>
      {failure.hint !== undefined && <p>{failure.hint}</p>}
      {failure.outcome !== undefined && <p>{failure.outcome}</p>}
      {failure.probe && (
        <p>
          Probe: {failure.probe.reason} {failure.probe.body}
        </p>
      )}
      {failure.lastLines && failure.lastLines.length > 0 && (
        <pre className="output">{failure.lastLines.join("\n")}</pre>
      )}
    </Message>
  );
}

function Steering({
  deployment,
  journal,
  status,
}: {
  deployment: DeploymentView;
  journal: Journal;
  status: ScopeStatusView | undefined;
}) {
  const abort = useChange("POST /stacks/:stack/:environment/abort");
  const promote = useChange("POST /stacks/:stack/:environment/promote");
  const rollback = useChange("POST /stacks/:stack/:environment/rollback");
  const { scope, state, release } = deployment;
  const told = (text: string) => ({ onSuccess: () => tell("healthy", text), onError: tellFailure });
  const watching = journal.steps.some((line) => line.step.kind === "watchCanary" && line.state === "running");
  if (isUnfinished(state))
    return (
      <>
        {watching && (
          <ActionButton
            label="Promote"
            title="End the canary with a pass?"
            needs="operate"
            main
            onConfirm={(reason) => promote.mutate({ params: scope, body: { reason } }, told("Promoting"))}
          >
            <p>The new release gets all traffic without waiting for the rest of its watch.</p>
          </ActionButton>
        )}
        <ActionButton
          label="Abort"
          title="Stop and return to what was current?"
          needs="operate"
          danger
          disabled={deployment.control === "abort"}
          onConfirm={(reason) => abort.mutate({ params: scope, body: { reason } }, told("Aborting"))}
        />
      </>
    );
  const isCurrent = release !== undefined && status?.current?.id === release;
  if (!isCurrent || state !== "succeeded" || deployment.previous === undefined) return null;
  return (
    <ActionButton
      label="Roll back"
      title={`Return ${scope.stack} to what served before this deployment?`}
      needs="operate"
      danger
      onConfirm={(reason) =>
        rollback.mutate(
          { params: scope, body: { release: String(deployment.previous), reason } },
          told("Rolling back"),
        )
      }
    />
  );
}
