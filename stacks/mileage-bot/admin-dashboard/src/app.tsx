import { ask } from "./api.ts";
import { GuildPage } from "./guild-page.tsx";
import { GuildsPage } from "./guilds-page.tsx";
import { SignIn } from "./sign-in.tsx";
import { useData } from "./use-data.ts";

declare const __APP_VERSION__: string;

/** Two pages: the servers, and one server. Without a session every address shows the sign-in and is kept. */
export function App() {
  const [me] = useData<{ userName: string }>("/api/me");
  const guildId = /^\/guilds\/(\d+)$/.exec(location.pathname)?.[1];
  const page = guildId === undefined ? <GuildsPage /> : <GuildPage guildId={guildId} />;
  return (
    <>
      <header>
        <a href="/">Mileage</a>
        {me.state === "ready" && (
          <span>
            {me.data.userName}{" "}
            <button type="button" onClick={() => void signOut()}>
              Sign out
            </button>
          </span>
        )}
      </header>
      <main>
        {me.state === "loading" && <p>Loading…</p>}
        {me.state === "signed-out" && <SignIn />}
        {me.state === "failed" && <p role="alert">{me.message}</p>}
        {me.state === "ready" && page}
      </main>
      <footer>Dashboard version {__APP_VERSION__}</footer>
    </>
  );
}

async function signOut(): Promise<void> {
  await ask("/auth/logout", "POST").catch(() => undefined);
  location.assign("/");
}
