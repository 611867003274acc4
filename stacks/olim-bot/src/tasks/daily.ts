import type { Outbox } from "../api/outbox.ts";
import type { Database } from "../database/pool.ts";
import type { Log } from "../log.ts";
import type { DailyTarget } from "../models/guild-config.ts";

export type DailyContext = {
  database: Database;
  outbox: Outbox;
  log: Log;
  /** Which guilds are this process's: with shards each has its own. */
  isOurs(guildId: string): boolean;
};

/**
 * Posts the daily message to every guild that has a channel for it and did not get it yet. The day is claimed in the
 * database first, so that a restart or a second process neither posts twice nor forgets; a claim whose post failed is
 * given back, and the nonce lets Discord drop what arrives twice.
 */
export async function runDailyTasks(now: Date, context: DailyContext): Promise<number> {
  const day = now.toISOString().slice(0, 10);
  const rows = await context.database.run("dailyTargets");
  const targets = rows.flatMap((row): DailyTarget[] =>
    row.daily_channel_id && context.isOurs(row.guild_id)
      ? [{ guildId: row.guild_id, guildName: row.guild_name, channelId: row.daily_channel_id }]
      : [],
  );
  let posted = 0;
  for (const target of targets) if (await postOnce(target, day, now, context)) posted += 1;
  return posted;
}

async function postOnce(
  target: DailyTarget,
  day: string,
  now: Date,
  context: DailyContext,
): Promise<boolean> {
  const { database, outbox, log } = context;
  const { guildId } = target;
  const claimed = await database.run("claimDailyPost", guildId, day, now);
  if (claimed.length === 0) return false;
  try {
    await outbox.send(
      target.channelId,
      `Good morning, ${target.guildName}! Today is ${day}.`,
      nonceOf(guildId, day),
    );
  } catch (error) {
    log("warn", "daily message failed", {
      guildId,
      reason: error instanceof Error ? error.message : String(error),
    });
    await database.run("releaseDailyPost", guildId, day);
    return false;
  }
  await database.run("fulfilDailyPost", guildId, day, now);
  log("info", "daily message posted", { guildId, day });
  return true;
}

/** At most 25 characters, as Discord wants; a snowflake in base 36 has at most 13. */
function nonceOf(guildId: string, day: string): string {
  return `${BigInt(guildId).toString(36)}-${day.replaceAll("-", "")}`;
}
