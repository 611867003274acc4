import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useApi, useChange } from "../../api/queries.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Choice, Field } from "../../ui/field.tsx";
import { Failure } from "../../ui/loaded.tsx";
import { parseScope, scopeText } from "../../ui/scope-text.ts";
import { useMay } from "../session/gate.tsx";
import { kindWords } from "./incident-words.ts";

type Kind = keyof typeof kindWords;

/** A report by hand; what is open about the same already is joined. */
export function OpenIncident() {
  const open = useChange("POST /incidents");
  const stacks = useApi("GET /stacks");
  const navigate = useNavigate();
  const may = useMay("operate");
  const [shown, setShown] = useState(false);
  const [kind, setKind] = useState<Kind>("service");
  const [chosen, setChosen] = useState<string>();
  const known = stacks.data?.stacks ?? [];
  const of = known.find(({ scope }) => scopeText(scope) === chosen) ?? known[0];
  const services = (of?.services ?? []).filter(
    (service) => kind !== "database" || service.kind === "database",
  );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    const text = (name: string) => String(values.get(name) ?? "").trim();
    const optional = Object.fromEntries(
      ["service", "impact", "affected"].flatMap((name) => (text(name) === "" ? [] : [[name, text(name)]])),
    );
    open.mutate(
      {
        body: {
          kind: text("kind") as Kind,
          ...parseScope(text("scope")),
          ...optional,
          recover: values.get("recover") === "on",
        },
      },
      { onSuccess: ({ id }) => void navigate({ to: "/incidents/$id", params: { id } }) },
    );
  };
  return (
    <>
      <button type="button" className="button" disabled={!may} onClick={() => setShown(true)}>
        Report an incident
      </button>
      <Dialog title="Report an incident" open={shown} onClose={() => setShown(false)}>
        <form onSubmit={submit}>
          {open.isError && <Failure error={open.error} />}
          <Choice
            label="What failed"
            name="kind"
            value={kind}
            onChange={({ target }) => setKind(target.value as Kind)}
          >
            {Object.entries(kindWords).map(([kind, word]) => (
              <option key={kind} value={kind}>
                {word}
              </option>
            ))}
          </Choice>
          {kind !== "server" && (
            <Choice
              label="Stack"
              name="scope"
              value={of ? scopeText(of.scope) : ""}
              onChange={({ target }) => setChosen(target.value)}
            >
              {known.map(({ scope }) => (
                <option key={scopeText(scope)}>{scopeText(scope)}</option>
              ))}
            </Choice>
          )}
          {(kind === "service" || kind === "database") && (
            <Choice label="Service" name="service" required>
              {services.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </Choice>
          )}
          <Field label="What does not work" name="impact" maxLength={2000} autoComplete="off" />
          <Field label="Who is affected" name="affected" placeholder="~500 active users" autoComplete="off" />
          <label className="row">
            <input type="checkbox" name="recover" /> Begin the recovery at once
          </label>
          <div className="actions">
            <button type="button" className="button" onClick={() => setShown(false)}>
              Cancel
            </button>
            <button type="submit" className="button main" disabled={open.isPending}>
              Report
            </button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
