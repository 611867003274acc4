import { type FormEvent, useState } from "react";
import { useApi, useChange } from "../../api/queries.ts";
import { Field } from "../../ui/field.tsx";
import { ago } from "../../ui/format.ts";
import { Failure, Loaded } from "../../ui/loaded.tsx";
import { Message } from "../../ui/message.tsx";
import { useNow } from "../../ui/now.ts";
import { Table } from "../../ui/panel.tsx";
import { tell, tellFailure } from "../../ui/toasts.tsx";

/** One's own password, second factor and sessions. */
export function Account({ secondFactor }: { secondFactor: boolean }) {
  return (
    <>
      <Password />
      <SecondFactor on={secondFactor} />
      <Sessions />
    </>
  );
}

function valuesOf(event: FormEvent<HTMLFormElement>): Record<string, string> {
  event.preventDefault();
  return Object.fromEntries(
    [...new FormData(event.currentTarget)].map(([key, value]) => [key, String(value)]),
  );
}

function Password() {
  const change = useChange("POST /session/password");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const { password = "", newPassword = "" } = valuesOf(event);
    const form = event.currentTarget;
    change.mutate(
      { body: { password, newPassword } },
      {
        onSuccess: () => {
          form.reset();
          tell("healthy", "The password is changed; every other session has ended.");
        },
      },
    );
  };
  return (
    <form className="filters" onSubmit={submit}>
      <Field wide label="Password" name="password" type="password" autoComplete="current-password" required />
      <Field
        wide
        label="New password"
        name="newPassword"
        type="password"
        autoComplete="new-password"
        minLength={12}
        required
      />
      <button type="submit" className="button" disabled={change.isPending}>
        Change password
      </button>
      {change.isError && <Failure error={change.error} />}
    </form>
  );
}

function SecondFactor({ on }: { on: boolean }) {
  const begin = useChange("POST /session/second-factor");
  const confirm = useChange("POST /session/second-factor/confirm");
  const remove = useChange("POST /session/second-factor/remove");
  const [active, setActive] = useState(on);
  const error = begin.error ?? confirm.error ?? remove.error;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const { password = "", code = "" } = valuesOf(event);
    if (active) remove.mutate({ body: { password } }, { onSuccess: () => setActive(false) });
    else if (begin.data) confirm.mutate({ body: { code } }, { onSuccess: () => setActive(true) });
    else begin.mutate({ body: { password } });
  };
  if (confirm.data && active)
    return (
      <Message tone="warning">
        <p>
          The second factor is on. These codes let you in without the app, each once; they are shown this
          once.
        </p>
        <pre>{confirm.data.recoveryCodes.join("\n")}</pre>
      </Message>
    );
  return (
    <form className="filters" onSubmit={submit}>
      {begin.data && !active ? (
        <>
          <p>
            Put this secret into your authenticator app: <code className="break">{begin.data.secret}</code>
          </p>
          <Field
            wide
            label="Code that it shows"
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            required
          />
        </>
      ) : (
        <Field
          wide
          label={`Second factor is ${active ? "on" : "off"}; password to change that`}
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
      )}
      <button type="submit" className="button">
        {active ? "Turn off" : begin.data ? "Confirm" : "Turn on"}
      </button>
      {error && <Failure error={error} />}
    </form>
  );
}

function Sessions() {
  const query = useApi("GET /sessions");
  const end = useChange("DELETE /sessions");
  const now = useNow(10_000);
  return (
    <Loaded query={query} waitingFor="your sessions">
      {({ sessions }) => (
        <>
          <Table label="Where you are signed in" head={["Signed in from", "Seen", ""]}>
            {sessions.map(({ createdAt, seenAt, address, agent, current }) => (
              <tr key={createdAt}>
                <td className="break">
                  {address} <span className="quiet small">{agent.slice(0, 60)}</span>
                </td>
                <td className="nowrap">{ago(seenAt, now)}</td>
                <td>{current && <span className="tag">this one</span>}</td>
              </tr>
            ))}
          </Table>
          <p>
            <button
              type="button"
              className="button"
              onClick={() => end.mutate({}, { onSuccess: () => location.assign("/"), onError: tellFailure })}
            >
              Sign out everywhere
            </button>
          </p>
        </>
      )}
    </Loaded>
  );
}
