import { messageOf } from "../../lib/platform-error.ts";
import { probeError } from "../errors.ts";
import type { DatabaseReader, DatabaseReading, DatabaseTarget } from "../port.ts";
import { readPostgres } from "./network/postgres-statistics.ts";
import { readRedis } from "./network/redis-statistics.ts";

const limitMs = 6000;

/** PostgreSQL's and Redis's own statistics, over the network. */
export class NetworkDatabaseReader implements DatabaseReader {
  readonly name = "network";

  async read(
    target: DatabaseTarget,
    options: { slowMs: number },
    signal: AbortSignal,
  ): Promise<readonly DatabaseReading[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    try {
      return target.kind === "postgres"
        ? await readPostgres(target, options.slowMs, limit)
        : await readRedis(target, limit);
    } catch (cause) {
      signal.throwIfAborted();
      if (limit.aborted) throw probeError("PROBE_FAILED", `no answer within ${limitMs} ms`, { cause });
      throw refuses(cause)
        ? probeError("PROBE_REFUSED", "it does not take the password of the stack's file", {
            hint: "The file's password counts when the database is made first; later it is changed in the database.",
          })
        : probeError("PROBE_FAILED", plain(cause, target), { cause });
    }
  }
}

function refuses(error: unknown): boolean {
  const text = messageOf(error);
  return /password authentication failed|client password must be|^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid pass)/i.test(
    text,
  );
}

function plain(error: unknown, { password }: DatabaseTarget): string {
  const text = messageOf(error).replace(/\s+/g, " ").slice(0, 200);
  return password === undefined || password === "" ? text : text.replaceAll(password, "***");
}
