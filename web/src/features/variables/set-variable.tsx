import { type FormEvent, useState } from "react";
import { useChange } from "../../api/queries.ts";
import { Choice, Field } from "../../ui/field.tsx";
import { Failure } from "../../ui/loaded.tsx";
import type { Scope } from "../../ui/scope-text.ts";
import { tell } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

type Kind = "plain" | "secret" | "reference";

/** Sets one; it counts from the next deployment on. */
export function SetVariable({ scope }: { scope: Scope }) {
  const change = useChange("POST /stacks/:stack/:environment/variables");
  const [kind, setKind] = useState<Kind>("secret");
  const may = useMay("develop");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const name = String(values.get("name"));
    const value = String(values.get("value"));
    const made = kind === "reference" ? { kind, name, reference: value } : { kind, name, value };
    change.mutate(
      { params: scope, body: { changes: [made] } },
      {
        onSuccess: () => {
          tell("healthy", `${name} is set. It counts from the next deployment on.`);
          form.reset();
        },
      },
    );
  };
  return (
    <>
      <form className="filters" onSubmit={submit} autoComplete="off">
        <Field label="Name" name="name" required className="mono" placeholder="DATABASE_URL" />
        <Choice label="Kind" value={kind} onChange={({ target }) => setKind(target.value as Kind)}>
          <option value="secret">secret</option>
          <option value="plain">plain</option>
          <option value="reference">reference to a provider</option>
        </Choice>
        <Field
          wide
          label={
            kind === "secret" ? "Value (cannot be read again)" : kind === "plain" ? "Value" : "Reference"
          }
          name="value"
          type={kind === "secret" ? "password" : "text"}
          autoComplete="new-password"
          required
        />
        <button type="submit" className="button main" disabled={!may || change.isPending}>
          Set
        </button>
      </form>
      {change.isError && <Failure error={change.error} />}
    </>
  );
}
