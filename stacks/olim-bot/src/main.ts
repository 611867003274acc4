import { rmSync } from "node:fs";
import { isOfShard } from "./api/shard-of.ts";
import { systemClock } from "./clock.ts";
import { type Config, readConfig } from "./config.ts";
import { awaitDatabase } from "./database/await-database.ts";
import { migrate } from "./database/migrate.ts";
import { createDatabase, createPool } from "./database/pool.ts";
import { loadEnvironment } from "./environment.ts";
import { EventHandler } from "./event-handler.ts";
import { acknowledgedAt, createClient, createOutbox } from "./gateway.ts";
import { beat } from "./heartbeat.ts";
import { createLog, type Log, readLevel } from "./log.ts";
import { runDailyTasks } from "./tasks/daily.ts";
import { everyDay } from "./tasks/schedule.ts";

const beatEveryMs = 2_000;
const drainMs = 5_000;
const stopping = new AbortController();

async function start(config: Config, log: Log): Promise<() => Promise<void>> {
  // What an earlier process left is no sign of this one's health.
  rmSync(config.heartbeatFile, { force: true });
  const pool = createPool(config.database);
  const database = createDatabase(pool, log);
  const waiting = { clock: systemClock, log, signal: stopping.signal };
  await awaitDatabase(pool, config.database, waiting);
  await migrate(pool, log);
  const client = createClient(config);
  const outbox = createOutbox(client);
  const handler = new EventHandler({ database, outbox, log, version: config.version });
  handler.listen(client);
  stopping.signal.throwIfAborted();
  const ready = new Promise<void>((resolve) => client.once("clientReady", () => resolve()));
  await client.login(config.discordToken);
  await ready;
  const isOurs = (guildId: string) => isOfShard(guildId, config.shard);
  const context = { clock: systemClock, log, signal: stopping.signal };
  void everyDay(config.dailyAt, (now) => runDailyTasks(now, { database, outbox, log, isOurs }), context);
  const source = {
    acknowledgedAt: () => acknowledgedAt(client),
    intervalMs: () => config.gatewayHeartbeatMs,
    pingDatabase: () => database.ping(),
  };
  void keepBeating(config.heartbeatFile, source, log);
  return async () => {
    // The session ends first: whoever comes next must find it gone.
    await client.destroy();
    await handler.drain(drainMs);
    await database.close();
    rmSync(config.heartbeatFile, { force: true });
  };
}

async function keepBeating(file: string, source: Parameters<typeof beat>[1], log: Log): Promise<void> {
  while (!stopping.signal.aborted) {
    await beat(file, source, { now: Date.now(), log });
    await systemClock.sleep(beatEveryMs, stopping.signal);
  }
}

loadEnvironment();
const log = createLog(readLevel(process.env["RUST_LOG"]));
let stop: (() => Promise<void>) | undefined;
const end = (signal: string) => {
  if (stopping.signal.aborted) return;
  stopping.abort();
  log("info", "stopping", { signal });
  void (stop?.() ?? Promise.resolve()).finally(() => process.exit(0));
};
process.on("SIGTERM", () => end("SIGTERM"));
process.on("SIGINT", () => end("SIGINT"));
try {
  const config = readConfig(process.env);
  stop = await start(config, log);
  log("info", "started", { version: config.version, scenario: config.database.scenario });
} catch (error) {
  if (!stopping.signal.aborted) log("error", error instanceof Error ? error.message : String(error));
  process.exit(1);
}
