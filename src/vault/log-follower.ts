import { join } from "node:path";
import type { DatabasePlace } from "../backup/sources/database-place.ts";
import { type Lsn, logFileOf, lsnOf, startOfLogFile, textOfLsn } from "../backup/sources/lsn.ts";
import { askServer, copyBase, type ServerLogin, serverLogin } from "../backup/sources/postgres-base.ts";
import { ReplicationClient } from "../backup/sources/postgres-replication.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { messageOf } from "../lib/platform-error.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";
import { LogFolder } from "./log-folder.ts";
import { type BaseRecord, LogBook, type LogLine } from "./log-line.ts";
import type { RepositoryBook } from "./repository-book.ts";
import type { KeptSource } from "./source-keeper.ts";
import { type ServingDatabase, servingPlace } from "./throw-away.ts";

export type FollowerParts = {
  store: Store;
  clock: Clock;
  ids: Ids;
  runtime: Runtime;
  repositories: RepositoryBook;
  servingOf: (kept: KeptSource) => ServingDatabase;
  keptOf: (scope: Scope, source: string) => KeptSource;
  /** Where logs lie: the folder of the installation. */
  folder: string;
  log: (level: "info" | "warn" | "error", message: string) => void;
};

type Followed = { line: LogLine; folder: LogFolder; client: ReplicationClient; from: Lsn };

const slot = "roadstead_log";
const syncMs = 1000;
const saveMs = 5000;
const deafMs = 30_000;
const retryMs = 2000;
/** Until the log flows; a server that hangs is tried again. */
const beginMs = 20_000;
const baseEveryMs = 24 * 3600_000;
const keptBasesMs = 7 * 24 * 3600_000;
/** The server keeps so much for us while we are away, and then lets go rather than fill its disk. */
const slotLimit = "4GB";

/** Follows the log of one database for as long as it may, and copies its files once a day. */
export class LogFollower {
  readonly #parts: FollowerParts;
  readonly #scope: Scope;
  readonly #source: string;
  readonly #book: LogBook;
  #problem: string | undefined;

  constructor(parts: FollowerParts, scope: Scope, source: string) {
    this.#parts = parts;
    this.#scope = scope;
    this.#source = source;
    this.#book = new LogBook(parts.store);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        const words = messageOf(error);
        if (words !== this.#problem) log("warn", `the log of ${this.#name()} is not followed: ${words}`);
        this.#problem = words;
        this.#complain(words);
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  async #follow(outer: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([outer, over.signal]);
    const begun = new AbortController();
    const beginning = this.#beginFollowing(signal);
    // What hangs is left behind: the abort below ends it as soon as it can be ended.
    beginning.catch(() => undefined);
    try {
      const { followed, of } = await Promise.race([beginning, this.#tooLate(begun.signal)]);
      this.#problem = undefined;
      begun.abort(new Error("it flows"));
      const work = [
        this.#receive(followed),
        this.#keepTime(followed, signal),
        this.#keepBases(followed, of, signal),
      ];
      await Promise.race(work);
    } finally {
      begun.abort(new Error("it is over"));
      over.abort(new Error("the log is not followed any more"));
    }
  }

  async #beginFollowing(signal: AbortSignal) {
    const { runtime, servingOf, keptOf } = this.#parts;
    const kept = keptOf(this.#scope, this.#source);
    const place = await servingPlace(runtime, servingOf(kept), signal);
    const login = await serverLogin(place, signal);
    await this.#prepare(place, login, signal);
    const client = await ReplicationClient.open(place, login, signal);
    const followed: Followed = { client, ...(await this.#lineOf(client, { place, login }, signal)) };
    return { followed, of: { place, login, kept } };
  }

  async #tooLate(begun: AbortSignal): Promise<never> {
    await this.#parts.clock.sleep(beginMs, begun);
    throw new Error(`its server did not answer within ${beginMs / 1000} s`);
  }

  /** What an unmodified server lacks: a limit for what it keeps; and a connection of before must let go. */
  async #prepare(place: DatabasePlace, login: ServerLogin, signal: AbortSignal): Promise<void> {
    const ask = (sql: string) => askServer(place, { login, sql }, signal);
    if ((await ask("SHOW max_slot_wal_keep_size")) === "-1") {
      await ask(`ALTER SYSTEM SET max_slot_wal_keep_size = '${slotLimit}'`);
      await ask("SELECT pg_reload_conf()");
    }
    await ask(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = 'roadstead'",
    );
    await ask(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = '${slot}' AND wal_status = 'lost'`);
    await ask(`SELECT pg_create_physical_replication_slot('${slot}', true)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '${slot}')`);
  }

  /** The stretch that goes on, or a new one where the server has nothing that joins it. */
  async #lineOf(
    client: ReplicationClient,
    { place, login }: { place: DatabasePlace; login: ServerLogin },
    signal: AbortSignal,
  ): Promise<{ line: LogLine; folder: LogFolder; from: Lsn }> {
    const { system, timeline } = await client.identify();
    const ask = (sql: string) => askServer(place, { login, sql }, signal);
    const sizeSql = "SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'";
    const fileBytes = Number(await ask(sizeSql));
    const kept = lsnOf(await ask(`SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = '${slot}'`));
    const first = startOfLogFile(logFileOf(kept, timeline, fileBytes), fileBytes);
    const known = this.#book
      .lines({ scope: this.#scope, source: this.#source })
      .filter((line) => line.system === system && line.timeline === timeline && line.brokenAt === undefined)
      .at(-1);
    if (known) {
      const folder = this.#folderOf(known);
      const from = await folder.resumeAt();
      if (from !== undefined && from >= first) return { line: known, folder, from };
      this.#book.put({ ...known, brokenAt: this.#parts.clock.now() });
    }
    const line: LogLine = {
      id: `${system}-${timeline}-${textOfLsn(first).replace("/", ".")}`,
      scope: this.#scope,
      source: this.#source,
      system,
      timeline,
      fileBytes,
      since: this.#parts.clock.now(),
      logBytes: 0,
    };
    this.#book.put(line);
    return { line, folder: this.#folderOf(line), from: first };
  }

  async #receive({ line, folder, client, from }: Followed): Promise<void> {
    try {
      for await (const piece of client.stream(slot, from, line.timeline)) {
        if (piece.kind === "data") await folder.write(piece.at, piece.bytes);
        line.latest = Math.max(line.latest ?? 0, piece.serverTime);
        this.#heard = this.#parts.clock.now();
      }
    } finally {
      await folder.close();
    }
  }

  #heard = 0;

  /** Confirms what is durable, and asks for a word so that silence is noticed. */
  async #keepTime({ line, folder, client, from }: Followed, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    this.#heard = clock.now();
    let saved = 0;
    for (;;) {
      await clock.sleep(syncMs, signal);
      const { latest } = line;
      const durable = (await folder.sync()) ?? from;
      const now = clock.now();
      client.confirm(durable, now);
      line.durable = textOfLsn(durable);
      if (now - this.#heard > deafMs) throw new Error("the server has said nothing for half a minute");
      if (now - saved < saveMs) continue;
      saved = now;
      const { problem: _was, ...rest } = line;
      const logBytes = await folder.sizeBytes();
      this.#book.put({ ...rest, logBytes, ...(latest === undefined ? {} : { latest }) });
    }
  }

  async #keepBases(
    { line, folder }: Followed,
    of: { place: DatabasePlace; login: ServerLogin; kept: KeptSource },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log } = this.#parts;
    const where = { scope: this.#scope, source: this.#source };
    for (;;) {
      const own = this.#book.bases(where).filter((base) => base.line === line.id);
      const newest = own.at(-1);
      if (!newest || clock.now() - newest.usableFrom > baseEveryMs) {
        try {
          await this.#takeBase(line, of, signal);
          await this.#prune(line, folder, signal);
        } catch (error) {
          signal.throwIfAborted();
          log("warn", `the files of ${this.#name()} could not be copied: ${messageOf(error)}`);
          this.#complain(messageOf(error));
        }
      }
      await clock.sleep(60_000, signal);
    }
  }

  async #takeBase(
    line: LogLine,
    { place, login, kept }: { place: DatabasePlace; login: ServerLogin; kept: KeptSource },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, ids, repositories } = this.#parts;
    const setting = repositories.chosen(kept.stack.backups?.repository);
    if (!setting) throw new Error("no repository is set up: `roadstead backup repository add`");
    const repository = await repositories.open(setting.name, signal);
    const copy = copyBase(place, login, signal);
    const about = {
      scope: scopeKey(this.#scope),
      source: `${this.#source}.base`,
      kind: "postgres" as const,
      takenAt: clock.now(),
      labels: ["base", `timeline=${line.timeline}`],
    };
    const stored = await repository.save(about, copy.content, signal);
    this.#book.putBase({
      id: ids.next("base"),
      scope: this.#scope,
      source: this.#source,
      line: line.id,
      repository: setting.name,
      snapshot: stored.id,
      sizeBytes: stored.sizeBytes,
      start: textOfLsn(copy.start()),
      usableFrom: clock.now(),
    });
  }

  /** The oldest base that is kept says which log is needed; lines without any are over. */
  async #prune(line: LogLine, folder: LogFolder, signal: AbortSignal): Promise<void> {
    const { clock, repositories } = this.#parts;
    const where = { scope: this.#scope, source: this.#source };
    const all = this.#book.bases(where);
    const going = all.filter(
      (base, at) => at < all.length - 2 && base.usableFrom < clock.now() - keptBasesMs,
    );
    for (const base of going) {
      const repository = await repositories.open(base.repository, signal);
      await repository.forget([base.snapshot], signal);
      this.#book.forget(base);
    }
    const kept = all.filter((base) => !going.includes(base));
    for (const other of this.#book.lines(where))
      if (other.id !== line.id && !kept.some((base) => base.line === other.id)) {
        await this.#folderOf(other).prune(1n << 63n);
        this.#book.forgetLine(other);
      }
    const oldest: BaseRecord | undefined = kept.find((base) => base.line === line.id);
    if (oldest) await folder.prune(lsnOf(oldest.start));
  }

  #complain(words: string): void {
    const line = this.#book.lines({ scope: this.#scope, source: this.#source }).at(-1);
    if (line) this.#book.put({ ...line, problem: words.slice(0, 300) });
  }

  #folderOf(line: LogLine): LogFolder {
    return new LogFolder(logFolderOf(this.#parts.folder, line), line);
  }

  #name(): string {
    return `${scopeKey(this.#scope)}/${this.#source}`;
  }
}

export function logFolderOf(root: string, { scope, source, id }: LogLine): string {
  return join(root, scope.stack, scope.environment, source, id);
}
