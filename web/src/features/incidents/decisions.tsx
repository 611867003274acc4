import type { IncidentView } from "../../../../src/api/contract/incidents.ts";
import { useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { tell, tellFailure } from "../../ui/toasts.tsx";

/** What people decide about an incident, each when it is due. */
export function Decisions({ incident }: { incident: IncidentView }) {
  const acknowledge = useChange("POST /incidents/:id/acknowledge");
  const recover = useChange("POST /incidents/:id/recover");
  const resolve = useChange("POST /incidents/:id/resolve");
  const close = useChange("POST /incidents/:id/close");
  const { id, kind, status, acknowledged, recovery, open, closed } = incident;
  const params = { id };
  const told = (text: string) => ({ onSuccess: () => tell("healthy", text), onError: tellFailure });
  if (closed) return null;
  if (status === "RESOLVED")
    return (
      <ActionButton
        label="Close"
        title="Close it as complete?"
        needs="operate"
        main
        disabled={open.length > 0}
        onConfirm={() => close.mutate({ params }, told("Closed"))}
      />
    );
  const rebuilds = kind === "security" && recovery !== undefined;
  return (
    <>
      <ActionButton
        label="Acknowledge"
        title="You have it?"
        needs="operate"
        disabled={acknowledged !== undefined}
        onConfirm={() => acknowledge.mutate({ params }, told("Acknowledged"))}
      >
        <p>Nobody is called any more.</p>
      </ActionButton>
      <ActionButton
        label={rebuilds ? "Rebuild" : "Recover"}
        title={rebuilds ? "Is the hole closed, may the stack run again?" : "Walk the recovery of this kind?"}
        needs="operate"
        main
        onConfirm={() =>
          recover.mutate({ params, body: { rebuild: rebuilds } }, told("The recovery goes on"))
        }
      >
        <p>
          Every step and its outcome stands in the timeline. <code>./roadstead incident tree</code> prints the
          steps beforehand.
        </p>
      </ActionButton>
      <ActionButton
        label="Resolve"
        title="Is it over?"
        needs="operate"
        onConfirm={(reason) => resolve.mutate({ params, body: { reason } }, told("Resolved"))}
      />
    </>
  );
}
