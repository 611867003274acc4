import type { FormEvent } from "react";
import type { IncidentView } from "../../../../src/api/contract/incidents.ts";
import { useChange } from "../../api/queries.ts";
import { Field } from "../../ui/field.tsx";
import { Mark } from "../../ui/mark.tsx";
import { Panel } from "../../ui/panel.tsx";
import { tellFailure } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

/** What is to be done after every incident, and what this one has taught. */
export function Checklist({ incident }: { incident: IncidentView }) {
  const note = useChange("POST /incidents/:id/note");
  const may = useMay("operate");
  const { id, checklist, actionItems, rootCause, open, closed } = incident;
  const fixed = !may || closed !== undefined || note.isPending;
  const params = { id };
  const ask = { onError: tellFailure };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const body = Object.fromEntries(
      ["rootCause", "actionItem"].flatMap((name) => {
        const text = String(values.get(name) ?? "").trim();
        return text === "" ? [] : [[name, text]];
      }),
    );
    if (Object.keys(body).length > 0)
      note.mutate({ params, body }, { onSuccess: () => form.reset(), ...ask });
  };
  return (
    <Panel
      title="Checklist"
      note={closed ? `closed by ${closed.by}` : open.length === 0 ? "complete" : `${open.length} left`}
    >
      <ul className="checks">
        {checklist.map(({ item, text, done }) => (
          <li key={item}>
            <label className="row">
              <input
                type="checkbox"
                checked={done !== undefined}
                disabled={fixed || done !== undefined}
                onChange={() => note.mutate({ params, body: { done: [item] } }, ask)}
              />
              {text}
            </label>
            {done && <span className="small quiet">{done.by}</span>}
          </li>
        ))}
        {actionItems.map(({ text, doneBy }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: action items are numbered and never change their order
          <li key={index}>
            <label className="row">
              <input
                type="checkbox"
                checked={doneBy !== undefined}
                disabled={fixed || doneBy !== undefined}
                onChange={() => note.mutate({ params, body: { actionDone: index + 1 } }, ask)}
              />
              {text}
            </label>
            {doneBy !== undefined && <span className="small quiet">{doneBy}</span>}
          </li>
        ))}
      </ul>
      {rootCause !== undefined && (
        <p>
          <Mark tone="info">Root cause:</Mark> {rootCause}
        </p>
      )}
      {closed === undefined && (
        <form className="filters note-form" onSubmit={submit}>
          {rootCause === undefined && (
            <Field
              label="Root cause"
              name="rootCause"
              maxLength={2000}
              wide
              autoComplete="off"
              disabled={!may}
            />
          )}
          <Field
            label="Action item"
            name="actionItem"
            maxLength={2000}
            wide
            autoComplete="off"
            disabled={!may}
          />
          <button type="submit" className="button" disabled={fixed}>
            Add
          </button>
        </form>
      )}
    </Panel>
  );
}
