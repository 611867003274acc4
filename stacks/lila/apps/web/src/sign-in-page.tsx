import { useEffect, useState } from "react";
import type { Api, SignInOptions } from "./api.ts";

const names: Readonly<Record<string, string>> = { google: "Google", github: "GitHub" };

/** Codes that the API adds to the address when a sign-in did not end well. */
const reasons: Readonly<Record<string, string>> = {
  google_user_limit: "No more Google sign-ups for now: the test phase is full. Please sign in with GitHub.",
  access_denied: "You did not allow the sign-in.",
  account_not_linked: "You already have an account with this address. Sign in the way you did before.",
};

export function SignInPage({ api }: { api: Api }) {
  const [options, setOptions] = useState<SignInOptions>();
  const [problem, setProblem] = useState(readProblem);
  const fail = (error: Error) => setProblem(error.message);
  useEffect(() => {
    api.signInOptions().then(setOptions, (error: Error) => setProblem(error.message));
  }, [api]);
  return (
    <section>
      <h1>Learn a word a day</h1>
      {problem && <p role="alert">{problem}</p>}
      {options?.googleIsFull && <p>Google sign-in is open only to those who used it before.</p>}
      {options?.providers.map((provider) => (
        <button key={provider} type="button" onClick={() => api.signIn(provider).catch(fail)}>
          Sign in with {names[provider] ?? provider}
        </button>
      ))}
      {options?.providers.length === 0 && <p>No sign-in is configured on this server.</p>}
    </section>
  );
}

function readProblem(): string | undefined {
  const code = new URLSearchParams(location.search).get("error");
  if (code === null) return undefined;
  return reasons[code] ?? `The sign-in did not work (${code}). Please try again.`;
}
