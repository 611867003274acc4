import { type FormEvent, useState } from "react";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { Field } from "../../ui/field.tsx";
import { minute } from "../../ui/format.ts";
import { Failure, Loaded } from "../../ui/loaded.tsx";
import { Message } from "../../ui/message.tsx";
import { Panel, Table } from "../../ui/panel.tsx";
import { tellFailure } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";

/** Where backups go. */
export function Repositories() {
  const query = useApi("GET /backup-repositories");
  const remove = useChange("DELETE /backup-repositories/:name");
  return (
    <Panel title="Repositories">
      <Loaded query={query} waitingFor="the repositories">
        {({ repositories }) => (
          <div className="stack">
            {repositories.length === 0 ? (
              <p className="quiet">There is none yet.</p>
            ) : (
              <Table label="Repositories" head={["Name", "Where", "Since", ""]}>
                {repositories.map(({ name, location, isDefault, createdAt }) => (
                  <tr key={name}>
                    <td>
                      <b>{name}</b> {isDefault && <span className="tag">default</span>}
                    </td>
                    <td className="mono break">{location}</td>
                    <td className="nowrap">{minute(createdAt)}</td>
                    <td>
                      <ActionButton
                        label="Forget"
                        title={`Forget ${name}?`}
                        needs="administer"
                        danger
                        onConfirm={() => remove.mutate({ params: { name } }, { onError: tellFailure })}
                      >
                        <p>What lies there stays there; without its key nobody can read it.</p>
                      </ActionButton>
                    </td>
                  </tr>
                ))}
              </Table>
            )}
            <Add first={repositories.length === 0} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Add({ first }: { first: boolean }) {
  const add = useChange("POST /backup-repositories");
  const may = useMay("administer");
  const [key, setKey] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    add.mutate(
      {
        body: {
          name: String(values.get("name")),
          location: String(values.get("location")),
          isDefault: first,
        },
      },
      {
        onSuccess: (answer) => {
          setKey(answer.key);
          form.reset();
        },
      },
    );
  };
  return (
    <form className="stack" onSubmit={submit}>
      {key !== undefined && (
        <Message tone="warning">
          <p>
            Keep this key elsewhere: without it nothing in the repository can be read. It is shown this once.
          </p>
          <p>
            <code className="break">{key}</code>
          </p>
        </Message>
      )}
      {add.isError && <Failure error={add.error} />}
      <div className="filters">
        <Field label="Name" name="name" required maxLength={60} autoComplete="off" />
        <Field
          label="Folder on the host"
          name="location"
          required
          wide
          placeholder="/srv/backups"
          autoComplete="off"
        />
        <button type="submit" className="button" disabled={!may || add.isPending}>
          Add repository
        </button>
      </div>
      <p className="small quiet">
        Better on another machine. S3 needs credentials, which the command line takes from its environment:{" "}
        <code>./roadstead backup repository add off-site s3:https://HOST/BUCKET</code>
      </p>
    </form>
  );
}
