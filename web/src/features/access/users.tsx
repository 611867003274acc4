import { type FormEvent, useState } from "react";
import type { GrantView, UserView } from "../../../../src/api/contract/access.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { Choice, Field } from "../../ui/field.tsx";
import { ago } from "../../ui/format.ts";
import { Failure, Loaded } from "../../ui/loaded.tsx";
import { Mark } from "../../ui/mark.tsx";
import { Empty, Message } from "../../ui/message.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { parseScope, scopeText } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";

const roles = ["viewer", "developer", "approver", "operator", "admin"] as const;

/** People and their roles, everywhere or in one stack and environment. */
export function Users() {
  const query = useApi("GET /users");
  const [invited, setInvited] = useState<{ email: string; code: string }>();
  return (
    <Panel title="Users">
      <div className="stack">
        <Invite onInvited={setInvited} />
        {invited && (
          <Message tone="warning">
            <p>
              Send this link to {invited.email}; it sets the password, once, within three days. It is shown
              this once.
            </p>
            <p>
              <code className="break">{`${location.origin}/invitation#${invited.code}`}</code>
            </p>
            <p>
              <button type="button" className="button" onClick={() => setInvited(undefined)}>
                I have it
              </button>
            </p>
          </Message>
        )}
        <Loaded query={query} waitingFor="the users">
          {({ users }) =>
            users.length === 0 ? (
              <Empty>
                <p>Nobody has an account yet; tokens work without one. Invite somebody above.</p>
              </Empty>
            ) : (
              <Table label="Users" head={["Name", "State", "Roles", "Second factor", "Last sign-in", ""]}>
                {users.map((user) => (
                  <Row key={user.id} user={user} onReset={setInvited} />
                ))}
              </Table>
            )
          }
        </Loaded>
      </div>
    </Panel>
  );
}

function Invite({ onInvited }: { onInvited: (invited: { email: string; code: string }) => void }) {
  const invite = useChange("POST /users");
  const { data } = useApi("GET /stacks");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const email = String(values.get("email"));
    const role = String(values.get("role")) as GrantView["role"];
    const grant = { role, ...parseScope(String(values.get("scope"))) };
    invite.mutate(
      { body: { email, grants: [grant] } },
      {
        onSuccess: ({ code }) => {
          onInvited({ email, code });
          form.reset();
        },
      },
    );
  };
  return (
    <>
      <form className="filters" onSubmit={submit}>
        <Field wide label="E-mail of somebody new" name="email" type="email" required />
        <Choice label="Role" name="role" defaultValue="viewer">
          {roles.map((role) => (
            <option key={role}>{role}</option>
          ))}
        </Choice>
        <Choice label="Where" name="scope" defaultValue="">
          <option value="">everywhere</option>
          {data?.stacks.map(({ scope }) => (
            <option key={scopeText(scope)}>{scopeText(scope)}</option>
          ))}
        </Choice>
        <button type="submit" className="button" disabled={invite.isPending}>
          Invite
        </button>
      </form>
      {invite.isError && <Failure error={invite.error} />}
    </>
  );
}

function Row({
  user,
  onReset,
}: {
  user: UserView;
  onReset: (invited: { email: string; code: string }) => void;
}) {
  const change = useChange("POST /users/:id");
  const reset = useChange("POST /users/:id/reset");
  const now = useNow(10_000);
  const { id, name, email, disabled, invited, grants, secondFactor, lastSignInAt } = user;
  return (
    <tr>
      <td>
        <b>{name}</b>
        <div className="small quiet">{email}</div>
      </td>
      <td>
        <Mark tone={disabled ? "critical" : invited ? "unknown" : "healthy"}>
          {disabled ? "kept out" : invited ? "invited" : "active"}
        </Mark>
      </td>
      <td>
        {grants.map((grant) => (
          <div key={JSON.stringify(grant)}>
            {grant.role}{" "}
            <span className="quiet">
              {grant.stack === undefined ? "everywhere" : `in ${grant.stack} / ${grant.environment ?? "all"}`}
            </span>
          </div>
        ))}
      </td>
      <td>{secondFactor ? "on" : "off"}</td>
      <td className="nowrap">{lastSignInAt === undefined ? "never" : ago(lastSignInAt, now)}</td>
      <td>
        <span className="row">
          <ActionButton
            label="Reset"
            title={`Take password and second factor of ${name} away?`}
            needs="administer"
            onConfirm={() =>
              reset.mutate(
                { params: { id } },
                { onSuccess: ({ code }) => onReset({ email, code }), onError: tellFailure },
              )
            }
          />
          <ActionButton
            label={disabled ? "Let in" : "Keep out"}
            title={disabled ? `Let ${name} in again?` : `Keep ${name} out?`}
            needs="administer"
            danger={!disabled}
            onConfirm={(reason) =>
              change.mutate(
                { params: { id }, body: { disabled: !disabled, reason } },
                { onSuccess: () => tell("healthy", "Changed"), onError: tellFailure },
              )
            }
          />
        </span>
      </td>
    </tr>
  );
}
