import { type Clock, systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/platform-error.ts";
import type { Manifest } from "../../policy/backup-manifest.ts";
import type { CheckResult } from "../../policy/backup-verdict.ts";
import { backupError } from "../errors.ts";
import type { Dump, Source } from "../source.ts";
import { answerOf, bytesOf, type DatabasePlace, feed, outputOf, settingOf } from "./database-place.ts";
import { judgeAnswer } from "./judge-answer.ts";
import { RdbReader } from "./rdb-reader.ts";

const loadingMs = 30 * 60_000;
const pollMs = 200;

/**
 * A Redis or Valkey server as its own snapshot file (RDB), which it sends as to a replica of itself. Keys that expire
 * by themselves are in it, but not counted: they may be gone before anybody looks.
 */
export class RedisSource implements Source<DatabasePlace> {
  readonly kind = "redis";
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async dump(place: DatabasePlace, signal: AbortSignal): Promise<Dump> {
    const redis = await RedisClient.at(place, signal);
    const engine = await redis.engine();
    const takenAt = this.#clock.now();
    const reader = new RdbReader();
    let sizeBytes = 0;
    async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of redis.output(["--rdb", "-"])) {
        const mine = reader.push(chunk);
        sizeBytes += mine.byteLength;
        if (mine.byteLength > 0) yield mine;
      }
      if (!reader.complete)
        throw backupError("BACKUP_SOURCE_FAILED", `the snapshot of ${place.name} is not whole`);
    }
    const manifest = async (): Promise<Manifest> => {
      if (!reader.complete)
        throw backupError("BACKUP_SOURCE_FAILED", `the dump of ${place.name} was not read whole`);
      return { engine, takenAt, sizeBytes, parts: partsOf(reader.keys) };
    };
    return { content: content(), manifest };
  }

  async restore(
    content: AsyncIterable<Uint8Array>,
    place: DatabasePlace,
    signal: AbortSignal,
  ): Promise<void> {
    const redis = await RedisClient.at(place, signal);
    if (/^db\d+:/m.test(await redis.ask(["INFO", "keyspace"])))
      throw backupError("BACKUP_RESTORE_FAILED", `${place.name} already holds keys`, {
        hint: "Restore into a new instance; what serves is never overwritten.",
      });
    const appends = (await redis.setting("appendonly")) === "yes";
    const folder = (await redis.setting("dir")) ?? "/data";
    // What it writes when it ends would take the place of the file that it is to begin with.
    await redis.ask(["CONFIG", "SET", "save", ""]);
    if (appends) await redis.ask(["CONFIG", "SET", "appendonly", "no"]);
    const file = (await redis.setting("dbfilename")) ?? "dump.rdb";
    const target = appends ? await this.#appendOnlyBase(redis, place, folder, signal) : `${folder}/${file}`;
    const write = ["sh", "-c", 'cat > "$1.new" && mv "$1.new" "$1"', "sh", target];
    await feed(place, write, { stdin: whole(content) }, signal);
    await redis.shutDown();
    await place.restart(signal);
    await this.#untilLoaded(redis, signal);
  }

  async inspect(place: DatabasePlace, signal: AbortSignal): Promise<Manifest> {
    const redis = await RedisClient.at(place, signal);
    const keys = new Map<number, number>();
    for (const [, database, all, expiring] of (await redis.ask(["INFO", "keyspace"])).matchAll(
      /^db(\d+):keys=(\d+),expires=(\d+)/gm,
    ))
      keys.set(Number(database), Number(all) - Number(expiring));
    const used = /^used_memory:(\d+)/m.exec(await redis.ask(["INFO", "memory"]))?.[1];
    const sizeBytes = Number(used ?? 0);
    return { engine: await redis.engine(), takenAt: this.#clock.now(), sizeBytes, parts: partsOf(keys) };
  }

  /** Own questions are commands that answer with something true, e.g. `EXISTS settings` or `SCARD admins`. */
  async check(place: DatabasePlace, checks: readonly string[], signal: AbortSignal): Promise<CheckResult[]> {
    const results: CheckResult[] = [];
    for (const check of checks) {
      const redis = await RedisClient.at(place, signal);
      const answer = redis.ask(check.trim().split(/\s+/)).then(
        (output) => judgeAnswer(check, output),
        (error: unknown) => ({ check, ok: false, detail: messageOf(error) }),
      );
      results.push(await answer);
    }
    return results;
  }

  /** With an append-only file Redis starts from that alone: the snapshot becomes its first part. */
  async #appendOnlyBase(
    redis: RedisClient,
    place: DatabasePlace,
    folder: string,
    signal: AbortSignal,
  ): Promise<string> {
    const name = (await redis.setting("appendfilename")) ?? "appendonly.aof";
    const own = await redis.setting("appenddirname");
    // Before Redis 7 it is one file, which may begin as a snapshot.
    if (own === undefined) return `${folder}/${name}`;
    const script = 'rm -f "$1"/* && cat > "$1/$2.manifest"';
    // The folder stays: it belongs to the server's own user.
    const manifest = `file ${name}.1.base.rdb seq 1 type b\n`;
    const argv = ["sh", "-c", script, "sh", `${folder}/${own}`, name];
    await feed(place, argv, { stdin: bytesOf(manifest) }, signal);
    return `${folder}/${own}/${name}.1.base.rdb`;
  }

  async #untilLoaded(redis: RedisClient, signal: AbortSignal): Promise<void> {
    const deadline = this.#clock.now() + loadingMs;
    while (!/^loading:0/m.test(await redis.ask(["INFO", "persistence"]))) {
      if (this.#clock.now() > deadline) throw backupError("BACKUP_RESTORE_FAILED", "Redis is still loading");
      await this.#clock.sleep(pollMs, signal);
    }
  }
}

/** redis-cli at a place, with the password that the service was given. */
class RedisClient {
  readonly #place: DatabasePlace;
  readonly #signal: AbortSignal;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(place: DatabasePlace, env: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#place = place;
    this.#env = env;
    this.#signal = signal;
  }

  static async at(place: DatabasePlace, signal: AbortSignal): Promise<RedisClient> {
    const names = ["REDISCLI_AUTH", "REDIS_PASSWORD", "VALKEY_PASSWORD"];
    const password = passwordInCommand(place) ?? (await settingOf(place, names, signal));
    return new RedisClient(place, password === undefined ? {} : { REDISCLI_AUTH: password }, signal);
  }

  async ask(command: readonly string[]): Promise<string> {
    const answer = await answerOf(this.#place, this.#argv(command), { env: this.#env }, this.#signal);
    // redis-cli ends well although the server refused.
    if (/^(ERR|NOAUTH|WRONGPASS|NOPERM|WRONGTYPE) /.test(answer))
      throw backupError(
        "BACKUP_SOURCE_FAILED",
        `redis-cli of ${this.#place.name}: ${answer.trim().slice(0, 200)}`,
      );
    return answer;
  }

  output(options: readonly string[]): AsyncIterable<Uint8Array> {
    return outputOf(this.#place, this.#argv(options), { env: this.#env }, this.#signal);
  }

  async engine(): Promise<string> {
    const info = await this.ask(["INFO", "server"]);
    const version = /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1];
    return `redis ${version ?? "?"}`;
  }

  /** `undefined`: this version does not know it. */
  async setting(name: string): Promise<string | undefined> {
    const [found, value] = (await this.ask(["CONFIG", "GET", name])).split("\n");
    return found === name ? (value ?? "").replace(/\r$/, "") : undefined;
  }

  /** The connection ends with the server, which redis-cli may call a failure. */
  async shutDown(): Promise<void> {
    const run = this.#place.start(this.#argv(["SHUTDOWN", "NOSAVE"]), { env: this.#env }, this.#signal);
    for await (const _chunk of run.stdout) this.#signal.throwIfAborted();
    await run.exitCode.catch(() => undefined);
  }

  #argv(words: readonly string[]): string[] {
    const { address } = this.#place;
    const where = address ? ["-h", address.host, "-p", String(address.port)] : [];
    return ["redis-cli", ...where, "--no-auth-warning", ...words];
  }
}

/** `redis-server --requirepass ${REDIS_PASSWORD}`, also within `sh -c`. */
function passwordInCommand({ command, environment }: DatabasePlace): string | undefined {
  const at = command.indexOf("--requirepass");
  if (at >= 0) return command[at + 1];
  const text = command.join(" ");
  const found = /--requirepass[ =]+("[^"]*"|'[^']*'|\S+)/.exec(text)?.[1]?.replace(/^["']|["']$/g, "");
  return found?.replace(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (_all, a?: string, b?: string) => environment[a ?? b ?? ""] ?? "",
  );
}

function partsOf(keys: ReadonlyMap<number, number>): Manifest["parts"] {
  return [...keys]
    .filter(([, rows]) => rows > 0)
    .sort(([a], [b]) => a - b)
    .map(([database, rows]) => ({ name: `db${database}`, rows }));
}

/** Throws where the snapshot ends too early: a server that starts with half a file would lose the rest. */
async function* whole(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new RdbReader();
  for await (const chunk of content) {
    reader.push(chunk);
    yield chunk;
  }
  if (!reader.complete)
    throw backupError("BACKUP_RESTORE_FAILED", "the snapshot is not whole: it ends too early");
}
