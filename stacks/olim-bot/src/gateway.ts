import { Client, GatewayIntentBits, Options, Routes } from "discord.js";
import type { Outbox } from "./api/outbox.ts";
import type { Config } from "./config.ts";

/** discord.js does the gateway's work: heartbeats, RESUME after a lost connection, waiting when a 429 says so. */
export function createClient(config: Pick<Config, "discordApi" | "shard">): Client {
  return new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMembers,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.MessageContent,
    ],
    rest: { api: config.discordApi },
    ...(config.shard ? { shards: [config.shard.id], shardCount: config.shard.count } : {}),
    // Nothing is read back from these caches, and the bot has 256 MB.
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      MessageManager: 0,
      PresenceManager: 0,
      ReactionManager: 0,
    }),
  });
}

export function createOutbox(client: Client): Outbox {
  return {
    send: async (channelId, content, nonce) => {
      const once = nonce === undefined ? {} : { nonce, enforce_nonce: true };
      const body = { content, allowed_mentions: { parse: ["users"] }, ...once };
      await client.rest.post(Routes.channelMessages(channelId), { body });
    },
  };
}

/** The gateway's last acknowledgement of a heartbeat; the first READY stands for one until the first came. */
export function acknowledgedAt(client: Client): number {
  const times = client.ws.shards.map((shard) => shard.lastPingTimestamp);
  return times.every((time) => time > 0) ? Math.min(...times) : (client.readyTimestamp ?? 0);
}
