import { createServer } from "node:http";
import type { Express } from "express";
import { makeApp } from "./app.ts";
import { AccessTokens } from "./auth/access-tokens.ts";
import { RefreshFamilies } from "./auth/refresh-families.ts";
import { ensureArbiter } from "./auth/routes.ts";
import { Chat } from "./chat/sockets.ts";
import { Mailer } from "./notify/mailer.ts";
import { openDatabase } from "./platform/database.ts";
import { log } from "./platform/log.ts";
import { openRedis } from "./platform/redis.ts";
import { finishReports, report, startReports } from "./platform/report-errors.ts";
import { readSettings, type Settings } from "./platform/settings.ts";

async function main(settings: Settings): Promise<void> {
  startReports(settings);
  const database = await openDatabase(settings);
  const redis = await openRedis(settings);
  const pubSub = await Promise.all([openRedis(settings), openRedis(settings)]);
  const tokens = new AccessTokens(settings.JWT_SECRET);
  const families = new RefreshFamilies(redis, settings.REFRESH_TOKEN_SECRET);
  const mailer = new Mailer(settings);
  const server = createServer({ keepAliveTimeout: 75_000 });
  // Before Socket.IO, which passes on what is not its own to the listeners that it finds.
  let app: Express | undefined;
  server.on("request", (request, response) => app?.(request, response));
  const chat = new Chat(server, { database, redis, tokens, families, version: settings.APP_VERSION }, pubSub);
  const parts = { settings, database, redis, tokens, families, mailer, chat };
  await ensureArbiter(parts);

  let closing = false;
  app = makeApp(parts, () => closing);
  server.listen(settings.PORT, () =>
    log("listening", { port: settings.PORT, version: settings.APP_VERSION }),
  );

  const close = async (signal: string) => {
    if (closing) return;
    closing = true;
    log("closing", { signal });
    // The limit on everything below: what hangs must not keep the replica.
    setTimeout(() => process.exit(1), 12_000).unref();
    const closed = new Promise((resolve) => server.once("close", resolve));
    await chat.close();
    await closed;
    await mailer.close(3_000);
    await Promise.allSettled([
      finishReports(),
      database.client.close(),
      ...[redis, ...pubSub].map((client) => client.close()),
    ]);
    log("closed");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void close(signal));
}

process.on("unhandledRejection", (error) => {
  log("unhandled", { message: error instanceof Error ? error.message : String(error) });
  report(error, { kind: "unhandled" });
});

try {
  await main(readSettings(process.env));
} catch (error) {
  log("start.failed", { message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
