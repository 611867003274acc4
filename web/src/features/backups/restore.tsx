import { useState } from "react";
import type { BackupView } from "../../../../src/api/contract/backups.ts";
import { useChange } from "../../api/queries.ts";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { minute } from "../../ui/format.ts";
import { Message } from "../../ui/message.tsx";
import { type Scope, scopeText } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

/** Says first what would come back and what restarts; only then can it be begun. */
export function Restore({ scope, backup }: { scope: Scope; backup: BackupView }) {
  const foresee = useChange("POST /stacks/:stack/:environment/restores/foresee");
  const begin = useChange("POST /stacks/:stack/:environment/restores");
  const [open, setOpen] = useState(false);
  const may = useMay("operate");
  const wish = { what: backup.source, snapshot: backup.id };
  const ask = () =>
    foresee.mutate({ params: scope, body: wish }, { onSuccess: () => setOpen(true), onError: tellFailure });
  const takenAt = backup.snapshot?.takenAt ?? backup.createdAt;
  const services = [...new Set(foresee.data?.items.flatMap((item) => item.services))];
  return (
    <>
      <button type="button" className="button" disabled={!may || foresee.isPending} onClick={ask}>
        Restore…
      </button>
      <ConfirmDialog
        title={`Bring ${backup.source} of ${scopeText(scope)} back to ${minute(takenAt)}?`}
        open={open}
        onClose={() => setOpen(false)}
        action="Restore"
        danger
        onConfirm={(reason) =>
          begin.mutate(
            { params: scope, body: { ...wish, reason } },
            { onSuccess: () => tell("healthy", "The restore has begun"), onError: tellFailure },
          )
        }
      >
        {backup.verdict !== "verified" && (
          <Message tone="warning" live={false}>
            <p>This backup is not proven: {backup.reasons?.join(", ") || backup.verdict || "unverified"}.</p>
          </Message>
        )}
        <p>What was written since {minute(takenAt)} is not in it.</p>
        <p>
          It is built on new volumes and compared with what was backed up, while everything goes on. Then{" "}
          {services.length === 0 ? "its services" : <b>{services.join(", ")}</b>} restart on it. What serves
          now is kept, so that it can be undone.
        </p>
      </ConfirmDialog>
    </>
  );
}
