import { signInLink } from "./api.ts";

export function SignIn() {
  return (
    <section>
      <h1>Please sign in</h1>
      <p>You are not signed in, or your session has ended. You will come back to this page.</p>
      <a className="button" href={signInLink()}>
        Sign in with Discord
      </a>
    </section>
  );
}
