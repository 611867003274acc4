import { type FormEvent, useState } from "react";
import { useChange } from "../../api/queries.ts";
import { Choice, Field } from "../../ui/field.tsx";
import { Failure } from "../../ui/loaded.tsx";
import { tell } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

type Kind = "webhook" | "discord" | "slack" | "email";
type Severity = "info" | "warning" | "critical";

/** A new channel, or another setting of the one with this name. */
export function AddChannel({ onSecret }: { onSecret: (secret: string | undefined) => void }) {
  const save = useChange("POST /notify/channels");
  const [kind, setKind] = useState<Kind>("email");
  const may = useMay("operate");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, String(value)]));
    const { name = "", severity = "warning", url = "", host = "", port = "587", from = "", to = "" } = values;
    const { user = "", password = "" } = values;
    save.mutate(
      {
        body: {
          name,
          kind,
          wish: { severity: severity as Severity },
          ...(kind === "email"
            ? {
                mail: {
                  host,
                  port: Number(port),
                  from,
                  to: to.split(",").map((address) => address.trim()),
                  ...(user === "" ? {} : { user }),
                },
              }
            : { url }),
          ...(password === "" ? {} : { password }),
        },
      },
      {
        onSuccess: ({ secret }) => {
          onSecret(secret);
          tell("healthy", `${name} is added. Send a test.`);
          form.reset();
        },
      },
    );
  };
  return (
    <form className="filters" onSubmit={submit} aria-label="Add a channel">
      <Choice label="Kind" value={kind} onChange={({ target }) => setKind(target.value as Kind)}>
        <option value="email">e-mail</option>
        <option value="discord">Discord</option>
        <option value="slack">Slack</option>
        <option value="webhook">webhook</option>
      </Choice>
      <Field label="Name" name="name" required placeholder="on-call" />
      <Choice label="Told from" name="severity" defaultValue="warning">
        <option>info</option>
        <option>warning</option>
        <option>critical</option>
      </Choice>
      {kind === "email" ? (
        <>
          <Field label="Mail server" name="host" required placeholder="smtp.example.com" />
          <Field label="Port" name="port" type="number" defaultValue="587" required />
          <Field label="From" name="from" required placeholder="Roadstead <ops@example.com>" />
          <Field label="To (commas between)" name="to" required />
          <Field label="User" name="user" autoComplete="off" />
          <Field label="Password" name="password" type="password" autoComplete="new-password" />
        </>
      ) : (
        <Field wide label="Address" name="url" type="url" required placeholder="https://…" />
      )}
      <button type="submit" className="button" disabled={!may || save.isPending}>
        Add channel
      </button>
      {save.isError && <Failure error={save.error} />}
    </form>
  );
}
