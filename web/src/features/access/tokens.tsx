import { type FormEvent, useState } from "react";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { Field } from "../../ui/field.tsx";
import { ago, minute } from "../../ui/format.ts";
import { Failure, Loaded } from "../../ui/loaded.tsx";
import { Message } from "../../ui/message.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { tell, tellFailure } from "../../ui/toasts.tsx";

/** Tokens of programs; a secret is shown once. */
export function Tokens() {
  const query = useApi("GET /tokens");
  const create = useChange("POST /tokens");
  const remove = useChange("DELETE /tokens/:id");
  const now = useNow(10_000);
  const [secret, setSecret] = useState<{ name: string; secret: string }>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get("name") ?? "");
    create.mutate(
      { body: { name } },
      {
        onSuccess: (token) => {
          setSecret(token);
          form.reset();
        },
      },
    );
  };
  return (
    <Panel title="API tokens">
      <div className="stack">
        <form className="filters" onSubmit={submit}>
          <Field
            wide
            label="Name of a new token"
            name="name"
            required
            maxLength={100}
            placeholder="ci of the shop"
          />
          <button type="submit" className="button" disabled={create.isPending}>
            Create token
          </button>
        </form>
        {create.isError && <Failure error={create.error} />}
        {secret && (
          <Message tone="warning">
            <p>The secret of “{secret.name}”. It is shown this once; keep it where the program finds it.</p>
            <p>
              <code className="break">{secret.secret}</code>
            </p>
            <p>
              <button
                type="button"
                className="button"
                onClick={() =>
                  navigator.clipboard
                    .writeText(secret.secret)
                    .then(() => tell("healthy", "Copied"), tellFailure)
                }
              >
                Copy
              </button>{" "}
              <button type="button" className="button" onClick={() => setSecret(undefined)}>
                I have it
              </button>
            </p>
          </Message>
        )}
        <Loaded query={query} waitingFor="the tokens">
          {({ tokens }) => (
            <Table label="API tokens" head={["Name", "Made", "Last used", ""]}>
              {tokens.map(({ id, name, createdAt, lastUsedAt }) => (
                <tr key={id}>
                  <td>{name}</td>
                  <td className="nowrap">{minute(createdAt)}</td>
                  <td className="nowrap">{lastUsedAt === undefined ? "never" : ago(lastUsedAt, now)}</td>
                  <td className="num">
                    <ActionButton
                      label="Revoke"
                      title={`Revoke “${name}”?`}
                      needs="administer"
                      danger
                      onConfirm={() =>
                        remove.mutate(
                          { params: { id } },
                          { onSuccess: () => tell("healthy", `${name} is revoked`), onError: tellFailure },
                        )
                      }
                    >
                      <p>Whoever uses it is refused from now on.</p>
                    </ActionButton>
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Loaded>
      </div>
    </Panel>
  );
}
