import type { RestoreView } from "../../../../src/api/contract/restores.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { minute, span } from "../../ui/format.ts";
import { Mark, type Tone } from "../../ui/mark.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import type { Scope } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";

const tones: Record<RestoreView["state"], Tone> = {
  queued: "unknown",
  running: "busy",
  done: "healthy",
  failed: "critical",
};
const phases: Record<RestoreView["phase"], string> = {
  build: "building the copy",
  safety: "backing up what serves",
  switch: "switching over",
};

/** What was brought back; shown only once there was something. */
export function Restores({ scope }: { scope: Scope }) {
  const query = useApi("GET /stacks/:stack/:environment/restores", { params: scope, everyMs: 3000 });
  const restores = query.data?.restores ?? [];
  if (restores.length === 0) return null;
  return (
    <Panel title="Restores">
      <Table label="Restores" head={["Began", "What", "State", "Took", "By", ""]}>
        {restores.map((restore) => (
          <Row key={restore.id} restore={restore} />
        ))}
      </Table>
    </Panel>
  );
}

function Row({ restore }: { restore: RestoreView }) {
  const undo = useChange("POST /restores/:id/undo");
  const release = useChange("POST /restores/:id/release");
  const now = useNow(2000);
  const { id, kind, state, phase, items, notes, failure, createdAt, finishedAt, requestedBy } = restore;
  const params = { id };
  const kept = state === "done" && restore.releasedAt === undefined && restore.undoneBy === undefined;
  return (
    <tr>
      <td className="nowrap">{minute(createdAt)}</td>
      <td>
        {kind === "undo" && "undo of "}
        {items.map(({ source }) => source).join(", ")}
      </td>
      <td>
        <Mark tone={tones[state]}>{state === "running" ? phases[phase] : state}</Mark>
        {failure && <div className="small">{failure.message}</div>}
        {notes.map((note) => (
          <div key={note} className="small quiet">
            {note}
          </div>
        ))}
        {restore.undoneBy !== undefined && <div className="small quiet">undone</div>}
      </td>
      <td className="nowrap">{span((finishedAt ?? now) - createdAt)}</td>
      <td>{requestedBy}</td>
      <td>
        {kept && (
          <span className="row">
            <ActionButton
              label="Undo"
              title="Go back to what served before this restore?"
              needs="operate"
              danger
              onConfirm={(reason) =>
                undo.mutate(
                  { params, body: { reason } },
                  { onSuccess: () => tell("healthy", "Going back"), onError: tellFailure },
                )
              }
            />
            <ActionButton
              label="Remove the old volumes"
              title="Remove what served before this restore?"
              needs="operate"
              danger
              onConfirm={(reason) => release.mutate({ params, body: { reason } }, { onError: tellFailure })}
            >
              <p>It cannot be undone then.</p>
            </ActionButton>
          </span>
        )}
      </td>
    </tr>
  );
}
