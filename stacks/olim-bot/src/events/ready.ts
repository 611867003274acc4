import type { Log } from "../log.ts";

/** The session stands; the guilds follow one by one as guild_create. */
export function handleReady(session: { user: string; guilds: number; shard: number }, log: Log): void {
  log("info", "ready", session);
}
