/** Forward only, and only adding: the release before this one still runs while they are applied. */
export const migrations: readonly { version: number; name: string; sql: string }[] = [
  {
    version: 1,
    name: "guild_config",
    sql: `CREATE TABLE guild_config (
      guild_id bigint PRIMARY KEY,
      guild_name text NOT NULL,
      welcome_channel_id bigint,
      daily_channel_id bigint,
      command_prefix text NOT NULL DEFAULT '!' CHECK (length(command_prefix) BETWEEN 1 AND 5),
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )`,
  },
  {
    version: 2,
    name: "user_data and message_info",
    sql: `CREATE TABLE user_data (
      guild_id bigint NOT NULL,
      user_id bigint NOT NULL,
      user_name text NOT NULL,
      message_count integer NOT NULL DEFAULT 0,
      last_seen_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (guild_id, user_id)
    );
    CREATE TABLE message_info (
      message_id bigint PRIMARY KEY,
      guild_id bigint NOT NULL,
      channel_id bigint NOT NULL,
      author_id bigint NOT NULL,
      length integer NOT NULL,
      is_command boolean NOT NULL,
      received_at timestamptz NOT NULL DEFAULT now()
    )`,
  },
  {
    version: 3,
    name: "daily_post",
    sql: `CREATE TABLE daily_post (
      guild_id bigint NOT NULL,
      day date NOT NULL,
      claimed_at timestamptz NOT NULL,
      posted_at timestamptz,
      PRIMARY KEY (guild_id, day)
    )`,
  },
];
