"use client";

import { createContext, type FormEvent, type ReactNode, useContext, useEffect, useState } from "react";
import { type Person, restore, signIn, signOut } from "../lib/api";
import { startReports } from "../lib/error-reports";

type Known = { person: Person | undefined; loading: boolean; leave: () => Promise<void> };

const SessionContext = createContext<Known>({
  person: undefined,
  loading: true,
  leave: async () => undefined,
});

export const useSession = () => useContext(SessionContext);

export function SessionProvider({
  dsn,
  version,
  children,
}: {
  dsn: string;
  version: string;
  children: ReactNode;
}) {
  const [person, setPerson] = useState<Person>();
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    startReports(dsn, version);
    restore()
      .then((session) => setPerson(session?.user))
      .catch(() => undefined)
      .finally(() => setLoading(false));
  }, [dsn, version]);
  const leave = async () => {
    await signOut();
    setPerson(undefined);
  };
  return (
    <SessionContext value={{ person, loading, leave }}>
      <div className="session">
        {loading ? (
          <p>…</p>
        ) : person ? (
          <SignedIn person={person} leave={leave} />
        ) : (
          <SignInForm done={setPerson} />
        )}
      </div>
      {children}
    </SessionContext>
  );
}

function SignedIn({ person, leave }: { person: Person; leave: () => Promise<void> }) {
  return (
    <p>
      <span data-testid="person">{person.name}</span>{" "}
      <button type="button" onClick={leave}>
        Sign out
      </button>
    </p>
  );
}

function SignInForm({ done }: { done: (person: Person) => void }) {
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const button = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const fields = Object.fromEntries([...form].map(([key, value]) => [key, String(value)]));
    try {
      done(await signIn(button?.value === "register" ? "register" : "login", fields));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "not signed in");
    }
  };
  return (
    <form onSubmit={submit} aria-label="Sign in">
      <input name="email" type="email" placeholder="Email" aria-label="Email" required />
      <input name="password" type="password" placeholder="Password" aria-label="Password" required />
      <input name="name" placeholder="Name, for a new account" aria-label="Name" />
      <button type="submit" value="login">
        Sign in
      </button>{" "}
      <button type="submit" value="register">
        Register
      </button>{" "}
      <a href="/api/auth/google">Google</a>
      <p role="alert">{problem}</p>
    </form>
  );
}
