import { call } from "../../api/client.ts";
import { Field } from "../../ui/field.tsx";
import { EntryForm } from "./entry-form.tsx";

/** The owner's account, made once with the code that `up` printed. */
export function SetUp({ onDone }: { onDone: () => void }) {
  return (
    <EntryForm
      title="Set up Roadstead"
      intro={<>Nobody has an account yet. You become the owner; the code shows that this is your host.</>}
      action="Create the owner’s account"
      onSubmit={async ({ code = "", email = "", name = "", password = "" }) => {
        await call("POST /setup", { body: { code, email, name, password } });
        onDone();
      }}
    >
      <Field
        label="Set-up code"
        name="code"
        autoComplete="off"
        required
        autoFocus
        hint={
          <>
            <code>./roadstead up</code> printed it; it is also in <code>setup-code</code> in Roadstead’s
            folder.
          </>
        }
      />
      <Field label="Your name" name="name" autoComplete="name" required />
      <Field label="E-mail" name="email" type="email" autoComplete="username" required />
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
