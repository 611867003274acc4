import { type APIApplicationCommand, REST, Routes, SlashCommandBuilder } from "discord.js";
import type { Settings } from "../settings.ts";

/** The commands as they are registered with Discord. */
export const commands = [
  new SlashCommandBuilder()
    .setName("log-mileage")
    .setDescription("Record a drive")
    .addNumberOption((option) =>
      option
        .setName("distance")
        .setDescription("How far, in this server's unit")
        .setRequired(true)
        .setMinValue(0.1)
        .setMaxValue(3000),
    )
    .addStringOption((option) => option.setName("note").setDescription("What for").setMaxLength(200))
    .addStringOption((option) =>
      option.setName("date").setDescription("Day, e.g. 2026-11-21; default: today"),
    ),
  new SlashCommandBuilder().setName("my-mileage").setDescription("What you drove this month"),
].map((command) => command.toJSON());

/** REST with the bot's token. 429 answers are waited for as Discord asks; nothing waits for ever. */
export function discordRest(settings: Pick<Settings, "DISCORD_API" | "DISCORD_TOKEN">): REST {
  return new REST({ version: "10", api: settings.DISCORD_API, timeout: 5_000, retries: 2 }).setToken(
    settings.DISCORD_TOKEN,
  );
}

/** Registers the set if Discord knows another one; says whether it had to. */
export async function registerCommands(rest: REST): Promise<"registered" | "unchanged"> {
  const application = (await rest.get(Routes.currentApplication())) as { id: string };
  const known = (await rest.get(Routes.applicationCommands(application.id))) as APIApplicationCommand[];
  if (fingerprint(known) === fingerprint(commands)) return "unchanged";
  await rest.put(Routes.applicationCommands(application.id), { body: commands });
  return "registered";
}

type Comparable = { name: string; description: string; options?: readonly object[] | undefined };

/** Discord adds ids and defaults of its own: only what we say counts. */
function fingerprint(list: readonly Comparable[]): string {
  const plain = list.map(({ name, description, options = [] }) => ({
    name,
    description,
    options: options.map((option) => {
      const given = option as Record<string, unknown>;
      const keys = ["type", "name", "description", "min_value", "max_value", "max_length"];
      return [...keys.map((key) => given[key] ?? null), given["required"] ?? false];
    }),
  }));
  return JSON.stringify(plain.sort((a, b) => a.name.localeCompare(b.name)));
}
