import { backupError } from "../errors.ts";
import { answerOf, type DatabasePlace, settingOf, toolFailed } from "./database-place.ts";
import { type Lsn, lsnOf } from "./lsn.ts";
import { psqlArgv } from "./psql-session.ts";

export type ServerLogin = { user: string; password?: string; port: number; database: string };

/** The account that the image's own variables make, which may copy everything. */
export async function serverLogin(place: DatabasePlace, signal: AbortSignal): Promise<ServerLogin> {
  const user = (await settingOf(place, ["POSTGRES_USER"], signal)) ?? "postgres";
  const password = await settingOf(place, ["POSTGRES_PASSWORD"], signal);
  const database = (await settingOf(place, ["POSTGRES_DB"], signal)) ?? user;
  const port = Number(place.environment["PGPORT"] ?? 5432);
  return { user, port, database, ...(password === undefined ? {} : { password }) };
}

/** One value of one statement. */
export async function askServer(
  place: DatabasePlace,
  { login, sql }: { login: ServerLogin; sql: string },
  signal: AbortSignal,
): Promise<string> {
  const env = envOf(login);
  const argv = [...psqlArgv(login.database, { user: login.user, env }), "-c", sql];
  return (await answerOf(place, argv, { env }, signal)).trim();
}

export type BaseCopy = {
  /** All files of the server as one tar. */
  content: AsyncIterable<Uint8Array>;
  /** Where the log begins that it needs; once the content was read. */
  start: () => Lsn;
};

const headBytes = 65_536;

/** The files of a server that goes on; only with the log written meanwhile are they of one moment. */
export function copyBase(place: DatabasePlace, login: ServerLogin, signal: AbortSignal): BaseCopy {
  const options = ["-D", "-", "-F", "tar", "-X", "none", "-c", "fast", "-w", "-U", login.user];
  const argv = ["pg_basebackup", ...options, "--no-manifest"];
  const run = place.start(argv, { env: { ...envOf(login), LC_ALL: "C" } }, signal);
  run.exitCode.catch(() => undefined);
  let head = "";
  async function* content() {
    for await (const chunk of run.stdout) {
      // The label is the first file of the archive.
      if (head.length < headBytes) head += Buffer.from(chunk).toString("latin1");
      yield chunk;
    }
    const exitCode = await run.exitCode;
    if (exitCode !== 0) throw toolFailed(place, argv, run.complaint(), exitCode);
  }
  const start = () => {
    const found = /START WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+)/.exec(head)?.[1];
    if (found === undefined)
      throw backupError(
        "BACKUP_SOURCE_FAILED",
        `the copy of ${place.name} does not say where its log begins`,
      );
    return lsnOf(found);
  };
  return { content: content(), start };
}

function envOf({ password }: ServerLogin): Record<string, string> {
  return { PGCONNECT_TIMEOUT: "30", ...(password === undefined ? {} : { PGPASSWORD: password }) };
}
