import type { Server } from "node:http";
import { Routes } from "discord.js";
import { createApp } from "./api/app.ts";
import { DailyRuns } from "./dailies/daily-runs.ts";
import { DailiesPoller, type PostMessage } from "./dailies/poller.ts";
import { type Database, openDatabase } from "./database/pool.ts";
import { discordRest } from "./discord/commands.ts";
import { Gateway } from "./discord/gateway.ts";
import { GuildConfigs } from "./guild-config.ts";
import { log, reasonOf } from "./log.ts";
import { EntryStore } from "./mileage/entry-store.ts";
import { Recorder } from "./mileage/recorder.ts";
import { Spool } from "./mileage/spool.ts";
import { prepare } from "./prepare.ts";
import { RoleBoard } from "./role-board.ts";
import { readSettings, roleNames, type Settings } from "./settings.ts";
import { checkStartUp } from "./start-up-checks.ts";

/** The checks have their own, shorter limits; a slow machine may take longer until the gateway is ready. */
const checkLimitMs = 9_500;
const startLimitMs = 60_000;

function refuse(problems: readonly string[]): never {
  for (const problem of problems) process.stderr.write(`start-up failed: ${problem}\n`);
  process.exit(1);
}

function limit(what: string, ms: number): NodeJS.Timeout {
  return setTimeout(() => refuse([`${what} after ${ms / 1000} s`]), ms);
}

/** Starts the wanted roles and returns how to stop them, in the order in which that must happen. */
async function startRoles(settings: Settings, database: Database): Promise<() => Promise<void>> {
  const now = () => new Date();
  const board = new RoleBoard(roleNames, settings.ROLES);
  const configs = new GuildConfigs(database);
  const entries = new EntryStore(database);
  const recorder = new Recorder(entries, new Spool(settings.SPOOL_DIR));
  await recorder.start();
  const gateway = new Gateway(settings, board, { recorder, entries, configs, now });
  if (settings.ROLES.includes("gateway")) await gateway.start();
  const post = posting(settings);
  const poller = new DailiesPoller({ configs, entries, runs: new DailyRuns(database), post, board, now });
  if (settings.ROLES.includes("dailies")) poller.start(settings.DAILIES_TICK_SECONDS * 1000);
  // Last: whoever sees the port open sees a program whose roles have started.
  const server = await listen(createApp({ settings, database, board, configs, entries, recorder }), settings);
  return async () => {
    // The session first: Discord must never see two, and the successor may be waiting.
    await gateway.stop();
    await poller.stop();
    await closeServer(server);
    await recorder.stop();
    await database.end();
  };
}

function posting(settings: Settings): PostMessage {
  const rest = discordRest(settings);
  return async (channelId, content, nonce) => {
    const body = { content, nonce, enforce_nonce: true, allowed_mentions: { parse: [] } };
    const message = (await rest.post(Routes.channelMessages(channelId), { body })) as { id: string };
    return message.id;
  };
}

function listen(app: ReturnType<typeof createApp>, { PORT, HOST }: Settings): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server: Server = app.listen(PORT, HOST, (error) => (error ? reject(error) : resolve(server)));
    // Longer than the edge keeps idle connections, so that it never writes into one that closes.
    server.keepAliveTimeout = 75_000;
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(timer);
}

/** Heard from the first moment on: before the roles run there is nothing to close but the process. */
class StopSignal {
  #stop: () => Promise<void> = async () => undefined;
  #stopping = false;

  listen(): void {
    process.on("SIGTERM", (signal) => this.#handle(signal));
    process.on("SIGINT", (signal) => this.#handle(signal));
  }

  use(stop: () => Promise<void>): void {
    this.#stop = stop;
  }

  #handle(signal: NodeJS.Signals): void {
    if (this.#stopping) return;
    this.#stopping = true;
    log.info("stopping", { signal });
    this.#stop().then(
      () => process.exit(0),
      (error) => {
        log.error("stopping failed", { reason: reasonOf(error) });
        process.exit(1);
      },
    );
  }
}

const outcome = readSettings(process.env);
if (!outcome.ok) refuse(outcome.problems);
const { settings } = outcome;
const stopSignal = new StopSignal();
stopSignal.listen();
const checking = limit("the start-up checks have no result", checkLimitMs);
const starting = limit("the roles are not up", startLimitMs);
const database = openDatabase(settings.DATABASE_URL);
try {
  if (settings.PREPARE_ON_START === "1") await prepare(settings, database);
  const problems = await checkStartUp(settings);
  if (problems.length > 0) refuse(problems);
  clearTimeout(checking);
  stopSignal.use(await startRoles(settings, database));
  clearTimeout(starting);
  log.info("started", { version: settings.APP_VERSION, roles: settings.ROLES, port: settings.PORT });
} catch (error) {
  refuse([reasonOf(error)]);
}
