import { Database } from "@manacore/platform/database";
import { HealthController, SERVICE_STATUS } from "@manacore/platform/health.controller";
import { remoteKeys } from "@manacore/platform/mana-token";
import { TOKEN_RULES } from "@manacore/platform/mana-token.guard";
import { migrate } from "@manacore/platform/migrations";
import { RateLimiter } from "@manacore/platform/rate-limit";
import { connectRedis } from "@manacore/platform/redis";
import { serve } from "@manacore/platform/serve";
import { readSettings } from "@manacore/platform/settings";
import { REDIS } from "@manacore/platform/tokens";
import { Module } from "@nestjs/common";
import { AzureOpenAi } from "./azure-openai.js";
import { ChatController } from "./chat.controller.js";
import { Completions } from "./completions.js";
import { Credits } from "./credits.js";
import { migrations } from "./migrations.js";
import { Models } from "./models.js";
import { chatSettings, SETTINGS } from "./settings.js";

const settings = readSettings(chatSettings);
const database = new Database(settings.DATABASE_URL);
await migrate(database, migrations);
const redis = connectRedis(settings.REDIS_URL);

const service = "chat-backend";
// Redis is not in the list: without the cache the service is slower, not down.
const status = { service, version: settings.APP_VERSION, dependencies: { postgres: () => database.ping() } };
const tokenRules = { keys: remoteKeys(settings.JWKS_URL), issuer: settings.TOKEN_ISSUER, appId: "chat" };

@Module({
  controllers: [ChatController, HealthController],
  providers: [
    AzureOpenAi,
    Completions,
    Credits,
    Models,
    { provide: Database, useValue: database },
    { provide: REDIS, useValue: redis },
    { provide: RateLimiter, useValue: new RateLimiter(redis) },
    { provide: SETTINGS, useValue: settings },
    { provide: SERVICE_STATUS, useValue: status },
    { provide: TOKEN_RULES, useValue: tokenRules },
  ],
})
class ChatModule {}

await serve(ChatModule, {
  service,
  version: settings.APP_VERSION,
  port: settings.PORT,
  onClose: async () => {
    await database.close();
    redis.disconnect();
  },
});
