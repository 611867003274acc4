import {
  appendFile,
  chmod,
  chown,
  copyFile,
  mkdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { backupError } from "../backup/errors.ts";
import type { DatabasePlace } from "../backup/sources/database-place.ts";
import { askServer, serverLogin } from "../backup/sources/postgres-base.ts";
import type { Clock } from "../lib/clock.ts";
import type { Recovery } from "./database-builder.ts";
import type { RecoveryLogs } from "./restore-builder.ts";

const logFolder = "roadstead_log";
const mark = "# until the recovery is over";
const pollMs = 250;
/** A server that has read all that there is, and not met its target. */
const idleMs = 5000;
const limitMs = 3 * 3600_000;

/** Files of a PostgreSQL server and its log, brought to a moment by the server itself. */
export class PostgresRecovery implements Recovery {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async prepare(folder: string, logs: RecoveryLogs): Promise<void> {
    const { uid, gid } = await stat(join(folder, "PG_VERSION"));
    await chown(folder, uid, gid);
    await chmod(folder, 0o700);
    const into = join(folder, logFolder);
    await mkdir(into, { mode: 0o700 });
    await chown(into, uid, gid);
    for (const name of logs.files) {
      const path = join(into, name);
      await copyFile(join(logs.folder, name), path);
      // The one that was being written is shorter than the server takes.
      await truncate(path, logs.fileBytes);
      await chown(path, uid, gid);
    }
    const { at, name } = logs.target;
    const hasTarget = at !== undefined || name !== undefined;
    const target =
      name !== undefined
        ? [`recovery_target_name = '${name.replaceAll("'", "''")}'`]
        : at !== undefined
          ? [`recovery_target_time = '${new Date(at).toISOString().replace("T", " ").replace("Z", "+00")}'`]
          : [];
    const settings = [
      `restore_command = 'cp "${logFolder}/%f" "%p"'`,
      ...target,
      ...(hasTarget ? ["recovery_target_action = 'promote'"] : []),
      "recovery_target_timeline = 'current'",
    ].map((line) => `${line} ${mark}\n`);
    await appendFile(join(folder, "postgresql.auto.conf"), settings.join(""));
    // A server with a target that its log does not reach would end; a standby waits to be told.
    const signal = join(folder, hasTarget ? "standby.signal" : "recovery.signal");
    await writeFile(signal, "", { mode: 0o600 });
    await chown(signal, uid, gid);
  }

  async reached(place: DatabasePlace, { target }: RecoveryLogs, signal: AbortSignal): Promise<void> {
    const login = await serverLogin(place, signal);
    const end = this.#clock.now() + limitMs;
    let [last, since] = ["", this.#clock.now()];
    for (;;) {
      const sql = "SELECT pg_is_in_recovery() || ' ' || coalesce(pg_last_wal_replay_lsn()::text, '')";
      const [inRecovery = "", replayed = ""] = (await askServer(place, { login, sql }, signal)).split(" ");
      if (inRecovery.startsWith("f")) return;
      const now = this.#clock.now();
      if (replayed !== last) [last, since] = [replayed, now];
      if (now - since > idleMs) this.#endOfLog(target);
      if (now > end) throw backupError("BACKUP_RESTORE_FAILED", "the recovery took too long");
      await this.#clock.sleep(pollMs, signal);
    }
  }

  async tidy(folder: string): Promise<void> {
    await rm(join(folder, logFolder), { recursive: true, force: true });
    const path = join(folder, "postgresql.auto.conf");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, lines.filter((line) => !line.endsWith(mark)).join("\n"));
  }

  /** The server refuses to serve when its log ends before its target. */
  #endOfLog({ name }: RecoveryLogs["target"]): never {
    const missing =
      name === undefined ? "nothing that was committed after that moment" : `no point named ${name}`;
    throw backupError("BACKUP_RESTORE_FAILED", `the log holds ${missing}`, {
      hint: "Ask for the last moment there is: leave --at and --point out.",
    });
  }
}
