import type { SilenceView } from "../../../../src/api/contract/alerts.ts";
import { useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { minute } from "../../ui/format.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { tell, tellFailure } from "../../ui/toasts.tsx";

/** What nobody is told of, until when and why. */
export function Silences({ silences }: { silences: readonly SilenceView[] }) {
  const end = useChange("DELETE /alerts/silences/:id");
  if (silences.length === 0) return null;
  return (
    <Panel title="Silences">
      <Table label="Silences" head={["What", "Until", "By", "Reason", ""]}>
        {silences.map(({ id, stack, environment, service, rule, until, by, reason }) => (
          <tr key={id}>
            <td>{[stack, environment, service, rule].filter(Boolean).join(" / ") || "everything"}</td>
            <td className="nowrap">{minute(until)}</td>
            <td>{by}</td>
            <td>{reason}</td>
            <td className="num">
              <ActionButton
                label="End"
                title="Tell again?"
                needs="operate"
                onConfirm={() =>
                  end.mutate(
                    { params: { id } },
                    { onSuccess: () => tell("healthy", "The silence is over"), onError: tellFailure },
                  )
                }
              />
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}
