import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import type { RunView } from "../../../src/api/contract/delivery.ts";
import { stream } from "../api/client.ts";
import { useApi, useChange } from "../api/queries.ts";
import { LogBook } from "../features/logs/log-book.ts";
import { LogView } from "../features/logs/log-view.tsx";
import { ActionButton } from "../ui/actions.tsx";
import { minute, span } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { Message } from "../ui/message.tsx";
import { useNow } from "../ui/now.ts";
import { PageHead, Panel } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { runTone } from "../ui/states.ts";
import { tell, tellFailure } from "../ui/toasts.tsx";
import { phaseTone } from "./runs.tsx";

/** One commit on its way: its phases, its output, and the approval that it may wait for. */
export function RunPage() {
  const { id } = useParams({ from: "/inside/runs/$id" });
  const query = useApi("GET /runs/:id", { params: { id } });
  return (
    <Loaded query={query} waitingFor="the run">
      {(run) => <Shown run={run} />}
    </Loaded>
  );
}

function Shown({ run }: { run: RunView }) {
  const book = useOutput(run.id);
  const now = useNow();
  return (
    <>
      <PageHead
        title={run.subject === "" ? run.commit.slice(0, 10) : run.subject}
        crumbs={
          <>
            <Link to="/runs">Pipeline runs</Link> / <ScopeLink scope={run.scope} /> /{" "}
            {run.ref.replace("refs/heads/", "")} <span className="mono">{run.commit.slice(0, 8)}</span> by{" "}
            {run.author}
          </>
        }
      >
        <Decisions run={run} />
      </PageHead>
      <p className="row">
        <Mark tone={runTone[run.state]}>{run.state}</Mark>
        <span className="quiet">
          {run.trigger}, {minute(run.createdAt)}
        </span>
        {run.deployment !== undefined && (
          <Link to="/deployments/$id" params={{ id: run.deployment }}>
            its deployment
          </Link>
        )}
      </p>
      {run.failure && (
        <Message tone="critical">
          <p>
            <b>
              {run.failure.phase}: {run.failure.message}
            </b>
          </p>
          {run.failure.hint !== undefined && <p>{run.failure.hint}</p>}
        </Message>
      )}
      <Panel title="Phases">
        <ol className="steps">
          {run.phases.map((phase) => (
            <li key={phase.name}>
              <span />
              <Mark tone={phaseTone[phase.state]} />
              <div>
                {phase.name} <span className="quiet">{phase.detail ?? phase.state}</span>
              </div>
              <span className="num small">
                {phase.startedAt === undefined ? "" : span((phase.finishedAt ?? now) - phase.startedAt)}
              </span>
            </li>
          ))}
        </ol>
      </Panel>
      <Panel title="Output">
        <LogView book={book} search="" following />
      </Panel>
    </>
  );
}

function Decisions({ run }: { run: RunView }) {
  const approve = useChange("POST /runs/:id/approve");
  const reject = useChange("POST /runs/:id/reject");
  const abort = useChange("POST /runs/:id/abort");
  const params = { id: run.id };
  const told = (text: string) => ({ onSuccess: () => tell("healthy", text), onError: tellFailure });
  const waits = run.phases.some(({ name, state }) => name === "approve" && state === "waiting");
  const over = !["queued", "running", "waiting"].includes(run.state);
  if (over) return null;
  return (
    <>
      {waits && (
        <>
          <ActionButton
            label="Approve"
            title="Let this run go on?"
            needs="approve"
            main
            onConfirm={(reason) => approve.mutate({ params, body: { reason } }, told("Approved"))}
          />
          <ActionButton
            label="Reject"
            title="End this run?"
            needs="approve"
            danger
            onConfirm={(reason) => reject.mutate({ params, body: { reason } }, told("Rejected"))}
          />
        </>
      )}
      <ActionButton
        label="Abort"
        title="Stop this run?"
        needs="develop"
        danger
        onConfirm={(reason) => abort.mutate({ params, body: { reason } }, told("Aborting"))}
      >
        <p>Its job is stopped; a deployment that it began goes back.</p>
      </ActionButton>
    </>
  );
}

function useOutput(id: string): LogBook {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run, another book
  const book = useMemo(() => new LogBook(), [id]);
  useEffect(() => {
    const end = new AbortController();
    const follow = async () => {
      for await (const event of stream("GET /runs/:id/events", { params: { id }, signal: end.signal }))
        if (event.type === "line") {
          const { at, phase, job, line } = event.line;
          const place = { scope: "", service: job ?? phase, replica: "", stream: phase };
          book.add({ at, ...place, level: phase, requestId: undefined, text: line });
        }
    };
    follow().catch(() => undefined);
    return () => end.abort();
  }, [id, book]);
  return book;
}
