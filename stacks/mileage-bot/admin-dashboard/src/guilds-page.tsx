import type { GuildConfig } from "./api.ts";
import { SignIn } from "./sign-in.tsx";
import { useData } from "./use-data.ts";

export function GuildsPage() {
  const [guilds] = useData<{ guilds: GuildConfig[] }>("/api/guilds");
  if (guilds.state === "loading") return <p>Loading…</p>;
  if (guilds.state === "signed-out") return <SignIn />;
  if (guilds.state === "failed") return <p role="alert">{guilds.message}</p>;
  return (
    <section>
      <h1>Servers</h1>
      {guilds.data.guilds.length === 0 && <p>The bot is in none of the servers that you administer.</p>}
      <ul>
        {guilds.data.guilds.map((guild) => (
          <li key={guild.guildId}>
            <a href={`/guilds/${guild.guildId}`}>{guild.name}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
