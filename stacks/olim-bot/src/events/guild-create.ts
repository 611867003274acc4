import { saveGuild } from "../database/guild-store.ts";
import type { Database } from "../database/pool.ts";
import type { IncomingGuild } from "../models/incoming.ts";

/** A guild that is new, or came back after a reconnect with perhaps another name: one row either way. */
export async function handleGuildCreate(guild: IncomingGuild, database: Database): Promise<void> {
  await saveGuild(database, guild);
}
