import { call } from "../api/client.ts";
import { EntryForm } from "../features/session/entry-form.tsx";
import { Field } from "../ui/field.tsx";

/** Somebody who was invited sets a password; the code after `#` reaches no server's log. */
export function Invitation() {
  const code = location.hash.slice(1);
  return (
    <EntryForm
      title="Welcome to Roadstead"
      intro="You were invited. Choose a password; the link then counts no more."
      action="Set the password and sign in"
      onSubmit={async ({ name = "", password = "", code: typed = "" }) => {
        await call("POST /invitations/accept", {
          body: { code: code || typed, password, ...(name === "" ? {} : { name }) },
        });
        location.assign("/");
      }}
    >
      {code === "" && <Field label="Code of the invitation" name="code" autoComplete="off" required />}
      <Field label="Your name" name="name" autoComplete="name" />
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={12}
        required
        hint="At least 12 characters."
      />
    </EntryForm>
  );
}
