import { createServer } from "node:http";
import { createApp } from "./app.ts";
import { createAuth } from "./auth.ts";
import { connect } from "./database/connect.ts";
import { readQuota } from "./google-quota.ts";
import { prepareDatabase } from "./release.ts";
import { readSettings, SettingsError } from "./settings.ts";

/** Longer than any proxy keeps an idle connection, so that it is never we who close one that it just reuses. */
const keepAliveMs = 75_000;
const drainMs = 20_000;

/**
 * Migrations, seed and server in one program: exec form needs no shell, and the port cannot open before the tables
 * are there. Where a release job did the work already, the first two find nothing to do.
 */
async function start(): Promise<void> {
  const settings = readSettings(process.env);
  await prepareDatabase(settings);
  const { pool, db } = connect(settings.DATABASE_URL, settings.DATABASE_POOL_SIZE);
  const auth = createAuth(db, settings);
  const quota = await readQuota(db, settings);
  if (quota.state !== "ok")
    console.warn(`google: ${quota.users} of ${quota.limit} users; publish the consent screen`);
  const server = createServer(createApp({ db, auth, settings }));
  server.keepAliveTimeout = keepAliveMs;
  server.listen(settings.PORT, settings.HOST, () =>
    console.log(`listening on ${settings.HOST}:${settings.PORT}, version ${settings.APP_VERSION}`),
  );
  const stop = (signal: NodeJS.Signals) => {
    console.log(`${signal}: finishing what is under way`);
    setTimeout(() => server.closeAllConnections(), drainMs).unref();
    server.close(() => void pool.end().then(() => console.log("stopped")));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

await start().catch((error: unknown) => {
  console.error(error instanceof SettingsError ? error.message : error);
  process.exitCode = 1;
});
