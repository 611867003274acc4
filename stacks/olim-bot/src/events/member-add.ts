import type { Outbox } from "../api/outbox.ts";
import { getGuildConfig } from "../database/guild-store.ts";
import type { Database } from "../database/pool.ts";
import type { IncomingMember } from "../models/incoming.ts";

/** Greets in the welcome channel, if the guild has one. */
export async function handleMemberAdd(
  member: IncomingMember,
  { database, outbox }: { database: Database; outbox: Outbox },
): Promise<void> {
  const config = await getGuildConfig(database, member.guildId);
  if (!config?.welcomeChannelId) return;
  await outbox.send(config.welcomeChannelId, `Welcome to ${config.guildName}, <@${member.userId}>!`);
}
