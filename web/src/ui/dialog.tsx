import { type FormEvent, type ReactNode, useEffect, useId, useRef } from "react";

/** The browser's own modal dialog: it keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog({
  title,
  open,
  onClose,
  children,
  className,
}: {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
  className?: string;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (open && dialog && !dialog.open) dialog.showModal();
    if (!open) dialog?.close();
  }, [open]);
  if (!open) return null;
  return (
    <dialog ref={ref} className={className} aria-labelledby={id} onClose={onClose}>
      <div className="body">
        <h2 id={id} className={className === "palette" ? "sr" : undefined}>
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before a change that others feel; the reason goes to the audit trail. */
export function ConfirmDialog({
  title,
  open,
  onClose,
  onConfirm,
  action,
  danger,
  children,
}: {
  title: string;
  open: boolean;
  onClose: () => void;
  onConfirm: (reason: string) => void;
  action: string;
  danger?: boolean;
  children?: ReactNode;
}) {
  const reasonId = useId();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onConfirm(String(new FormData(event.currentTarget).get("reason") ?? ""));
    onClose();
  };
  return (
    <Dialog title={title} open={open} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        <div className="field">
          <label htmlFor={reasonId}>Reason (for the audit trail, optional)</label>
          <input id={reasonId} name="reason" maxLength={1000} autoComplete="off" />
        </div>
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={`button ${danger ? "danger" : "main"}`}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
