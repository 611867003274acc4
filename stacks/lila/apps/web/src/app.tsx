import { useCallback, useEffect, useState } from "react";
import type { Api, User } from "./api.ts";
import { LanguagesPage } from "./languages-page.tsx";
import { SignInPage } from "./sign-in-page.tsx";
import { StudyPage } from "./study-page.tsx";
import { go, usePath } from "./use-path.ts";

type Me = { user: User | null; language: string | null };

export function App({ api, version }: { api: Api; version: string }) {
  const [me, setMe] = useState<Me>();
  const [problem, setProblem] = useState<string>();
  const reload = useCallback(() => {
    api.me().then(setMe, (error: Error) => setProblem(error.message));
  }, [api]);
  useEffect(reload, [reload]);

  const signOut = () => api.signOut().then(reload, (error: Error) => setProblem(error.message));
  return (
    <>
      <header>
        <a href="/">Lila</a>
        {me?.user && (
          <nav>
            <span data-testid="person">{me.user.name}</span>
            <button type="button" onClick={() => go("/languages")}>
              Languages
            </button>
            <button type="button" onClick={signOut}>
              Sign out
            </button>
          </nav>
        )}
      </header>
      <main>
        {problem && <p role="alert">{problem}</p>}
        {me ? <Page api={api} me={me} reload={reload} /> : !problem && <p>One moment …</p>}
      </main>
      <footer data-testid="version">version {version}</footer>
    </>
  );
}

function Page({ api, me, reload }: { api: Api; me: Me; reload: () => void }) {
  const path = usePath();
  const chosen = () => {
    go("/study");
    reload();
  };
  if (!me.user) return <SignInPage api={api} />;
  if (me.language === null || path === "/languages")
    return <LanguagesPage api={api} current={me.language} onChosen={chosen} />;
  return <StudyPage api={api} key={me.language} />;
}
