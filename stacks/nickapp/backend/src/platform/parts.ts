import type { AccessTokens } from "../auth/access-tokens.ts";
import type { RefreshFamilies } from "../auth/refresh-families.ts";
import type { Chat } from "../chat/sockets.ts";
import type { Mailer } from "../notify/mailer.ts";
import type { Database } from "./database.ts";
import type { Redis } from "./redis.ts";
import type { Settings } from "./settings.ts";

/** What the routes share; built once in main. */
export type Parts = {
  settings: Settings;
  database: Database;
  redis: Redis;
  tokens: AccessTokens;
  families: RefreshFamilies;
  mailer: Mailer;
  chat: Pick<Chat, "tell">;
};
