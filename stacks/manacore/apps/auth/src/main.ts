import { Database } from "@manacore/platform/database";
import { HealthController, SERVICE_STATUS } from "@manacore/platform/health.controller";
import { migrate } from "@manacore/platform/migrations";
import { RateLimiter } from "@manacore/platform/rate-limit";
import { connectRedis } from "@manacore/platform/redis";
import { serve } from "@manacore/platform/serve";
import { readSettings } from "@manacore/platform/settings";
import { REDIS } from "@manacore/platform/tokens";
import { Module } from "@nestjs/common";
import { Accounts } from "./accounts.js";
import { AuthController } from "./auth.controller.js";
import { ManaTokens } from "./mana-tokens.js";
import { migrations } from "./migrations.js";
import { Sessions } from "./sessions.js";
import { authSettings, SETTINGS } from "./settings.js";
import { SigningKeys } from "./signing-keys.js";

const settings = readSettings(authSettings);
const database = new Database(settings.DATABASE_URL);
await migrate(database, migrations);
const redis = connectRedis(settings.REDIS_URL);

const service = "mana-core-auth";
const status = {
  service,
  version: settings.APP_VERSION,
  dependencies: { postgres: () => database.ping(), redis: () => redis.ping() },
};

@Module({
  controllers: [AuthController, HealthController],
  providers: [
    Accounts,
    ManaTokens,
    Sessions,
    SigningKeys,
    { provide: Database, useValue: database },
    { provide: REDIS, useValue: redis },
    { provide: RateLimiter, useValue: new RateLimiter(redis) },
    { provide: SETTINGS, useValue: settings },
    { provide: SERVICE_STATUS, useValue: status },
  ],
})
class AuthModule {}

await serve(AuthModule, {
  service,
  version: settings.APP_VERSION,
  port: settings.PORT,
  onClose: async () => {
    await database.close();
    redis.disconnect();
  },
});
