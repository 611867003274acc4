/**
 * Every query of the bot. They are described against a real database by `npm run prepare-statements`; the build
 * fails when one of them, or a migration, is not the one that was described.
 */
export const statements = {
  saveGuild: `INSERT INTO guild_config (guild_id, guild_name) VALUES ($1, $2)
    ON CONFLICT (guild_id) DO UPDATE SET guild_name = excluded.guild_name, updated_at = now()`,

  guildConfig: `SELECT guild_id, guild_name, welcome_channel_id, daily_channel_id, command_prefix
    FROM guild_config WHERE guild_id = $1`,

  setWelcomeChannel: `UPDATE guild_config SET welcome_channel_id = $2, updated_at = now() WHERE guild_id = $1`,

  setDailyChannel: `UPDATE guild_config SET daily_channel_id = $2, updated_at = now() WHERE guild_id = $1`,

  countUserMessage: `INSERT INTO user_data (guild_id, user_id, user_name, message_count) VALUES ($1, $2, $3, 1)
    ON CONFLICT (guild_id, user_id) DO UPDATE SET user_name = excluded.user_name,
      message_count = user_data.message_count + 1, last_seen_at = now()`,

  userMessageCount: `SELECT message_count FROM user_data WHERE guild_id = $1 AND user_id = $2`,

  storeMessageInfo: `INSERT INTO message_info (message_id, guild_id, channel_id, author_id, length, is_command)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (message_id) DO NOTHING RETURNING message_id`,

  dailyTargets: `SELECT guild_id, guild_name, daily_channel_id FROM guild_config
    WHERE daily_channel_id IS NOT NULL ORDER BY guild_id`,

  /** Taken once a day; a claim that was never fulfilled lapses after five minutes, as its owner has died. */
  claimDailyPost: `INSERT INTO daily_post (guild_id, day, claimed_at) VALUES ($1, $2, $3)
    ON CONFLICT (guild_id, day) DO UPDATE SET claimed_at = excluded.claimed_at
      WHERE daily_post.posted_at IS NULL AND daily_post.claimed_at < excluded.claimed_at - interval '5 minutes'
    RETURNING guild_id`,

  fulfilDailyPost: `UPDATE daily_post SET posted_at = $3 WHERE guild_id = $1 AND day = $2`,

  releaseDailyPost: `DELETE FROM daily_post WHERE guild_id = $1 AND day = $2 AND posted_at IS NULL`,
} as const;

export type StatementName = keyof typeof statements;
