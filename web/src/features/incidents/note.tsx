import type { FormEvent } from "react";
import { useChange } from "../../api/queries.ts";
import { Field } from "../../ui/field.tsx";
import { tellFailure } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

/** A line for the timeline. */
export function Note({ id }: { id: string }) {
  const note = useChange("POST /incidents/:id/note");
  const may = useMay("operate");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get("text")).trim();
    if (text === "") return;
    note.mutate({ params: { id }, body: { text } }, { onSuccess: () => form.reset(), onError: tellFailure });
  };
  return (
    <form className="filters note-form" onSubmit={submit}>
      <Field label="Add a line" name="text" maxLength={2000} wide autoComplete="off" disabled={!may} />
      <button type="submit" className="button" disabled={!may || note.isPending}>
        Add
      </button>
    </form>
  );
}
