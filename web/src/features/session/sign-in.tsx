import { useState } from "react";
import { ApiFailure, call } from "../../api/client.ts";
import { useApi } from "../../api/queries.ts";
import { signInWithToken } from "../../api/session.ts";
import { Field } from "../../ui/field.tsx";
import { EntryForm } from "./entry-form.tsx";

/** E-mail and password, the second factor when the account has one; or a token. */
export function SignIn({ onDone }: { onDone: () => void }) {
  const [way, setWay] = useState<"password" | "token">("password");
  const [needsCode, setNeedsCode] = useState(false);
  const { data } = useApi("GET /sign-in-providers");
  const other = (
    <>
      {data?.providers.map(({ name, title }) => (
        <a key={name} className="button" href={`/sign-in/${name}`}>
          Sign in with {title}
        </a>
      ))}
      <button
        type="button"
        className="button plain"
        onClick={() => setWay(way === "password" ? "token" : "password")}
      >
        {way === "password" ? "Use an API token instead" : "Use e-mail and password instead"}
      </button>
    </>
  );
  if (way === "token")
    return (
      <EntryForm
        key="token"
        title="Sign in"
        intro="With a token of the command line. It is kept for this tab only."
        action="Sign in"
        below={other}
        onSubmit={async ({ token = "" }) => {
          await signInWithToken(token);
          onDone();
        }}
      >
        <Field
          label="API token"
          name="token"
          type="password"
          autoComplete="off"
          required
          autoFocus
          hint={
            <>
              On the host it is in <code>token</code> in Roadstead’s folder.
            </>
          }
        />
      </EntryForm>
    );
  return (
    <EntryForm
      key="password"
      title="Sign in"
      intro="To the control plane of this host."
      action="Sign in"
      below={other}
      onSubmit={async ({ email = "", password = "", code = "" }) => {
        try {
          await call("POST /session", { body: { email, password, ...(code === "" ? {} : { code }) } });
        } catch (error) {
          if (error instanceof ApiFailure && /TOTP|CODE|FACTOR/.test(error.code)) setNeedsCode(true);
          throw error;
        }
        onDone();
      }}
    >
      <Field label="E-mail" name="email" type="email" autoComplete="username" required autoFocus />
      <Field label="Password" name="password" type="password" autoComplete="current-password" required />
      {needsCode && (
        <Field
          label="Code of your authenticator"
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
        />
      )}
    </EntryForm>
  );
}
