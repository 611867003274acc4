import type { BackupView } from "../../../../src/api/contract/backups.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { bytes, minute, span } from "../../ui/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel, Table } from "../../ui/panel.tsx";
import type { Scope } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";
import { Restore } from "./restore.tsx";
import { Verdict } from "./verdict.tsx";

const shown = 50;

/** Every backup with its verdict; from here one proves it again, keeps it, or brings it back. */
export function Snapshots({ scope }: { scope: Scope }) {
  const query = useApi("GET /stacks/:stack/:environment/backups", {
    params: scope,
    query: { limit: shown },
    everyMs: 5000,
  });
  return (
    <Panel title="Backups">
      <Loaded query={query} waitingFor="the backups">
        {({ backups }) =>
          backups.length === 0 ? (
            <p className="quiet">There is none yet.</p>
          ) : (
            <Table label="Backups" head={["Taken", "Source", "Verdict", "Size", "Took", "By", ""]}>
              {backups.map((backup) => (
                <Row key={backup.id} scope={scope} backup={backup} />
              ))}
            </Table>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Row({ scope, backup }: { scope: Scope; backup: BackupView }) {
  const verify = useChange("POST /backups/:id/verify");
  const pin = useChange("POST /backups/:id/pin");
  const may = useMay("operate");
  const { id, source, kind, snapshot, createdAt, dumpMs, verifyMs, requestedBy, pinned, forgottenAt, state } =
    backup;
  const there = snapshot !== undefined && forgottenAt === undefined;
  const took = (dumpMs ?? 0) + (verifyMs ?? 0);
  return (
    <tr>
      <td className="nowrap">
        {minute(snapshot?.takenAt ?? createdAt)}
        <div className="small quiet mono">{id}</div>
      </td>
      <td>
        {source} <span className="quiet">{kind}</span>
      </td>
      <td>
        <Verdict backup={backup} />
        {pinned !== undefined && <div className="small quiet">kept: {pinned}</div>}
        {forgottenAt !== undefined && <div className="small quiet">removed by its retention</div>}
      </td>
      <td className="nowrap">{snapshot && bytes(snapshot.sizeBytes)}</td>
      <td className="nowrap">{took > 0 && span(took)}</td>
      <td>{requestedBy}</td>
      <td>
        {there && state !== "queued" && state !== "running" && (
          <span className="row">
            <Restore scope={scope} backup={backup} />
            <button
              type="button"
              className="button"
              disabled={!may || verify.isPending}
              onClick={() =>
                verify.mutate(
                  { params: { id } },
                  { onSuccess: () => tell("healthy", "It is proven once more"), onError: tellFailure },
                )
              }
            >
              Prove again
            </button>
            <ActionButton
              label={pinned === undefined ? "Keep" : "Release"}
              title={pinned === undefined ? "Keep it beyond its retention?" : "Leave it to its retention?"}
              needs="operate"
              onConfirm={(reason) =>
                pin.mutate(
                  {
                    params: { id },
                    body: pinned === undefined ? { pinned: reason || "kept in the dashboard" } : {},
                  },
                  { onError: tellFailure },
                )
              }
            />
          </span>
        )}
      </td>
    </tr>
  );
}
