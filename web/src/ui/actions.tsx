import { type ReactNode, useState } from "react";
import type { Session } from "../api/session.ts";
import { useMay } from "../features/session/gate.tsx";
import { ConfirmDialog } from "./dialog.tsx";

/** A button whose change is confirmed, with a reason; shown as not allowed to whoever may not. */
export function ActionButton({
  label,
  title,
  needs,
  danger,
  main,
  disabled,
  onConfirm,
  children,
}: {
  label: ReactNode;
  /** Question of the dialog. */
  title: string;
  needs: Session["permissions"][number];
  danger?: boolean;
  main?: boolean;
  disabled?: boolean;
  onConfirm: (reason: string) => void;
  children?: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const may = useMay(needs);
  return (
    <>
      <button
        type="button"
        className={`button ${danger ? "danger" : ""} ${main ? "main" : ""}`}
        disabled={disabled || !may}
        {...(may ? {} : { title: `Needs the permission “${needs}”` })}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      <ConfirmDialog
        title={title}
        open={open}
        onClose={() => setOpen(false)}
        onConfirm={onConfirm}
        action={typeof label === "string" ? label : title}
        {...(danger ? { danger } : {})}
      >
        {children}
      </ConfirmDialog>
    </>
  );
}
