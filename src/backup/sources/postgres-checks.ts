import { messageOf } from "../../lib/platform-error.ts";
import type { CheckResult } from "../../policy/backup-verdict.ts";
import { answerOf, bytesOf, type DatabasePlace } from "./database-place.ts";
import { judgeAnswer } from "./judge-answer.ts";
import { type PostgresLogin, psqlArgv } from "./psql-session.ts";

/** One question may take this long. */
const timeoutMs = 5 * 60_000;

/**
 * One question of the operator to a restored copy: `SELECT count(*) > 0 FROM users`, or with another database in front
 * `chat: SELECT …`. Good is `true`, a number above zero, or any other text. It may read only.
 */
export async function askPostgres(
  place: DatabasePlace,
  question: { check: string; login: PostgresLogin; database: string },
  signal: AbortSignal,
): Promise<CheckResult> {
  const { check, login } = question;
  const named = /^([\w-]+):\s+(\S[\s\S]*)$/.exec(check);
  const database = named?.[1] ?? question.database;
  const sql = `${(named?.[2] ?? check).replace(/[\s;]+$/, "")};\n`;
  const options = `-c default_transaction_read_only=on -c statement_timeout=${timeoutMs}`;
  try {
    const argv = psqlArgv(database, login);
    const env = { ...login.env, PGOPTIONS: options };
    return judgeAnswer(check, await answerOf(place, argv, { env, stdin: bytesOf(sql) }, signal));
  } catch (error) {
    signal.throwIfAborted();
    return { check, ok: false, detail: messageOf(error) };
  }
}
