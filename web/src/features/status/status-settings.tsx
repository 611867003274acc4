import { type FormEvent, useId } from "react";
import { useApi, useChange } from "../../api/queries.ts";
import { Field } from "../../ui/field.tsx";
import { Failure, Loaded } from "../../ui/loaded.tsx";
import { scopeText } from "../../ui/scope-text.ts";
import { tell } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

/** What strangers may see: nothing, until somebody chooses. */
export function StatusSettings() {
  const query = useApi("GET /status-page");
  const stacks = useApi("GET /stacks");
  const save = useChange("POST /status-page");
  const may = useMay("administer");
  const id = useId();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    save.mutate(
      {
        body: {
          enabled: values.get("enabled") === "on",
          title: String(values.get("title")),
          scopes: values.getAll("scope").map(String),
        },
      },
      {
        onSuccess: ({ enabled }) =>
          tell("healthy", enabled ? "The status page is public." : "There is no status page."),
      },
    );
  };
  return (
    <Loaded query={query} waitingFor="its settings">
      {(settings) => (
        <form className="stack" onSubmit={submit}>
          <p className="quiet">
            Anyone who reaches this control plane can then see at <a href="/status">/status</a> whether the
            chosen stacks work, and nothing else of them.
          </p>
          <p className="row">
            <input type="checkbox" id={id} name="enabled" defaultChecked={settings.enabled} />
            <label htmlFor={id}>Show it to everybody</label>
          </p>
          <Field label="Title" name="title" defaultValue={settings.title} maxLength={100} required />
          <fieldset>
            <legend className="small quiet">Stacks on it</legend>
            {stacks.data?.stacks.map(({ scope }) => (
              <p key={scopeText(scope)} className="row">
                <input
                  type="checkbox"
                  id={`${id}-${scopeText(scope)}`}
                  name="scope"
                  value={scopeText(scope)}
                  defaultChecked={settings.scopes.includes(scopeText(scope))}
                />
                <label htmlFor={`${id}-${scopeText(scope)}`}>{scopeText(scope)}</label>
              </p>
            ))}
          </fieldset>
          {save.isError && <Failure error={save.error} />}
          <p>
            <button type="submit" className="button" disabled={!may || save.isPending}>
              Save
            </button>
          </p>
        </form>
      )}
    </Loaded>
  );
}
