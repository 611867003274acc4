import { Database } from "@manacore/platform/database";
import { HealthController, SERVICE_STATUS } from "@manacore/platform/health.controller";
import { remoteKeys } from "@manacore/platform/mana-token";
import { TOKEN_RULES } from "@manacore/platform/mana-token.guard";
import { migrate } from "@manacore/platform/migrations";
import { RateLimiter } from "@manacore/platform/rate-limit";
import { connectRedis } from "@manacore/platform/redis";
import { serve } from "@manacore/platform/serve";
import { readSettings } from "@manacore/platform/settings";
import { Module } from "@nestjs/common";
import { ItemsController, PROJECT } from "./items.controller.js";
import { migrations } from "./project.js";
import { maerchenzauber } from "./projects/maerchenzauber.js";
import { picture } from "./projects/picture.js";
import { uload } from "./projects/uload.js";
import { projectSettings } from "./settings.js";

const settings = readSettings(projectSettings);
const project = { maerchenzauber, picture, uload }[settings.PROJECT];
const database = new Database(settings.DATABASE_URL);
await migrate(database, migrations);
const redis = connectRedis(settings.REDIS_URL);

const service = `${project.name}-backend`;
const status = { service, version: settings.APP_VERSION, dependencies: { postgres: () => database.ping() } };
const tokenRules = {
  keys: remoteKeys(settings.JWKS_URL),
  issuer: settings.TOKEN_ISSUER,
  appId: project.name,
};

@Module({
  controllers: [ItemsController, HealthController],
  providers: [
    { provide: Database, useValue: database },
    { provide: RateLimiter, useValue: new RateLimiter(redis) },
    { provide: PROJECT, useValue: project },
    { provide: SERVICE_STATUS, useValue: status },
    { provide: TOKEN_RULES, useValue: tokenRules },
  ],
})
class ProjectModule {}

await serve(ProjectModule, {
  service,
  version: settings.APP_VERSION,
  port: settings.PORT,
  onClose: async () => {
    await database.close();
    redis.disconnect();
  },
});
