import type { AwaitingUpdateView } from "../../../../src/api/contract/updates.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { minute } from "../../ui/format.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { ScopeLink } from "../../ui/scope.tsx";
import { scopeText } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";

/** Newer images that wait for somebody; shown only while there is one. */
export function AwaitingUpdates() {
  const query = useApi("GET /updates/awaiting", { everyMs: 10_000 });
  const updates = query.data?.updates ?? [];
  if (updates.length === 0) return null;
  return (
    <Panel title="Newer images that wait for approval">
      <Table label="Newer images that wait for approval" head={["Service", "Runs", "Newer", "Asked", ""]}>
        {updates.map((update) => (
          <Row key={`${scopeText(update.scope)} ${update.service}`} update={update} />
        ))}
      </Table>
    </Panel>
  );
}

function Row({ update }: { update: AwaitingUpdateView }) {
  const approve = useChange("POST /stacks/:stack/:environment/updates/:service/approve");
  const reject = useChange("POST /stacks/:stack/:environment/updates/:service/reject");
  const { scope, service, running, newest, approval } = update;
  const params = { ...scope, service };
  const told = (text: string) => ({ onSuccess: () => tell("healthy", text), onError: tellFailure });
  return (
    <tr>
      <td>
        <b>{service}</b> <ScopeLink scope={scope} />
      </td>
      <td className="mono break">{running.reference}</td>
      <td className="mono break">
        {newest.reference}
        <div className="small quiet">{newest.digest.slice(0, 19)}</div>
      </td>
      <td className="nowrap">
        {minute(approval.askedAt)}
        {approval.rule.approvers.length > 0 && (
          <div className="small quiet">of {approval.rule.approvers.join(", ")}</div>
        )}
      </td>
      <td>
        {approval.decision ? (
          <span className="quiet">
            {approval.decision.kind === "approve" ? "approved" : "rejected"} by {approval.decision.by}
          </span>
        ) : (
          <span className="row">
            <ActionButton
              label="Approve"
              title={`Roll ${service} out with the newer image?`}
              needs="approve"
              main
              onConfirm={(reason) => approve.mutate({ params, body: { reason } }, told("Approved"))}
            />
            <ActionButton
              label="Reject"
              title={`Leave ${service} as it is?`}
              needs="approve"
              danger
              onConfirm={(reason) => reject.mutate({ params, body: { reason } }, told("Rejected"))}
            />
          </span>
        )}
      </td>
    </tr>
  );
}
