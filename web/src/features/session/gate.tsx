import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { call } from "../../api/client.ts";
import { followEvents } from "../../api/live.ts";
import { queryClient } from "../../api/queries.ts";
import { type Entry, findEntry, type Session } from "../../api/session.ts";
import { Failure } from "../../ui/loaded.tsx";
import { SetUp } from "./set-up.tsx";
import { SignIn } from "./sign-in.tsx";

const boardQuery = {
  queryKey: ["GET /overview", {}, {}],
  queryFn: () => call("GET /overview"),
  retry: false,
};

const SessionContext = createContext<Session | undefined>(undefined);

/** Who is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("nobody is signed in here");
  return session;
}

/** Whether the page offers an action; the server decides again. */
export function useMay(permission: Session["permissions"][number]): boolean {
  return useSession().permissions.includes(permission);
}

/** Lets in who is signed in; shows the sign-in or the first set-up to everybody else, then the page that was asked for. */
export function Gate({ children }: { children: ReactNode }) {
  const [entry, setEntry] = useState<Entry>();
  const [failure, setFailure] = useState<Error>();
  const look = () => {
    setFailure(undefined);
    // The first page's numbers are asked for at once: whoever may not see them is refused.
    if (location.pathname === "/") void queryClient.prefetchQuery(boardQuery);
    findEntry().then(setEntry, setFailure);
  };
  useEffect(look, []);
  const inside = entry?.kind === "in";
  useEffect(() => {
    if (!inside) return;
    const end = new AbortController();
    void followEvents(end.signal);
    return () => end.abort();
  }, [inside]);
  if (failure)
    return (
      <main className="alone">
        <Failure error={failure} again={look} />
      </main>
    );
  if (!entry) return <p className="alone waiting">Asking the control plane who you are…</p>;
  if (entry.kind === "set up") return <SetUp onDone={look} />;
  if (entry.kind === "sign in") return <SignIn onDone={look} />;
  return <SessionContext value={entry.session}>{children}</SessionContext>;
}
