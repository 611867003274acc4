import type { GuildConfig } from "./api.ts";
import { EntriesTable } from "./entries-table.tsx";
import { QueueNotice } from "./queue-notice.tsx";
import { SettingsForm } from "./settings-form.tsx";
import { SignIn } from "./sign-in.tsx";
import { useData } from "./use-data.ts";

export function GuildPage({ guildId }: { guildId: string }) {
  const [config, reload] = useData<GuildConfig>(`/api/guilds/${guildId}/config`);
  if (config.state === "loading") return <p>Loading…</p>;
  if (config.state === "signed-out") return <SignIn />;
  if (config.state === "failed") return <p role="alert">{config.message}</p>;
  return (
    <>
      <h1>{config.data.name}</h1>
      <QueueNotice />
      <SettingsForm key={config.data.version} config={config.data} onSaved={reload} />
      <EntriesTable guildId={guildId} unit={config.data.unit} />
    </>
  );
}
