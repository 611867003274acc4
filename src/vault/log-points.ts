import { readdirSync } from "node:fs";
import { logFileOf, lsnOf } from "../backup/sources/lsn.ts";
import { BoundedCache } from "../lib/bounded-cache.ts";
import { messageOf } from "../lib/platform-error.ts";
import { coverage } from "../policy/backup-coverage.ts";
import { type ReleaseId, type Scope, scopeKey } from "../rollout/ids.ts";
import { vaultError } from "./errors.ts";
import { type FollowerParts, LogFollower, logFolderOf } from "./log-follower.ts";
import { type BaseRecord, LogBook, type LogLine } from "./log-line.ts";
import type { PointChoice, PointInTime, Recoverable } from "./point-in-time.ts";
import type { RestoreParts } from "./restore-parts.ts";
import { stackAsWritten } from "./restore-plan.ts";

const lookEveryMs = 10_000;
/** More stacks than one host runs. */
const rememberedReleases = 500;

type Parts = FollowerParts & Pick<RestoreParts, "resolve">;

/** Every moment of the databases that want it: follows their logs, and says how to get back to one. */
export class LogPoints implements PointInTime {
  readonly #parts: Parts;
  readonly #book: LogBook;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, { over: AbortController; done: Promise<void> }>();
  readonly #wantedBy = new BoundedCache<ReleaseId, readonly string[]>(rememberedReleases);
  #loop: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#book = new LogBook(parts.store);
  }

  start(): void {
    this.#loop ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  of(scope: Scope): Recoverable[] {
    return this.#wanted(scope).map((source) => this.recoverable(scope, source) ?? none(source));
  }

  recoverable(scope: Scope, source: string): Recoverable | undefined {
    const lines = this.#book.lines({ scope, source });
    const line = lines.at(-1);
    if (!line) return undefined;
    const [oldest] = this.#book.bases({ scope, source });
    const { latest, problem } = line;
    const hasBase = this.#book.bases({ scope, source }).some((base) => base.line === line.id);
    return {
      source,
      ...(oldest ? { earliest: oldest.usableFrom } : {}),
      ...(oldest && latest !== undefined ? { latest } : {}),
      points: this.#book.points({ scope, source }),
      logBytes: lines.reduce((sum, { logBytes }) => sum + logBytes, 0),
      ...(latest === undefined ? {} : { heardAt: latest }),
      ...(problem === undefined
        ? hasBase
          ? {}
          : { problem: "its first base copy is under way" }
        : { problem }),
    };
  }

  choose(scope: Scope, source: string, wish: { at?: number; name?: string; base?: string }): PointChoice {
    const lines = this.#book.lines({ scope, source });
    const bases = this.#book.bases({ scope, source });
    const named =
      wish.name === undefined
        ? undefined
        : this.#book.points({ scope, source }).find(({ name }) => name === wish.name);
    if (wish.name !== undefined && !named)
      throw this.#refusal(scope, source, `there is no point ${wish.name}`);
    const moment = wish.at ?? named?.at;
    const base =
      wish.base === undefined ? baseFor(bases, lines, moment) : bases.find(({ id }) => id === wish.base);
    const line = lines.find(({ id }) => id === base?.line);
    if (!base || !line) throw this.#refusal(scope, source, `${source} cannot be brought back to then`);
    if (moment === undefined ? line.id !== lines.at(-1)?.id : moment > (line.latest ?? 0))
      throw this.#refusal(
        scope,
        source,
        `${moment === undefined ? "its newest log" : new Date(moment).toISOString()} cannot be used yet`,
      );
    const folder = logFolderOf(this.#parts.folder, line);
    const first = logFileOf(lsnOf(base.start), line.timeline, line.fileBytes);
    const files = readdirSync(folder).filter((name) => /^[0-9A-F]{24}$/.test(name) && name >= first);
    const target = {
      ...(wish.name === undefined ? {} : { name: wish.name }),
      ...(wish.at === undefined ? {} : { at: wish.at }),
    };
    return {
      base: base.id,
      shows: moment ?? line.latest ?? base.usableFrom,
      logs: { folder, files: files.sort(), fileBytes: line.fileBytes, target },
      content: async (signal) => {
        const repository = await this.#parts.repositories.open(base.repository, signal);
        return repository.read(base.snapshot, signal);
      },
    };
  }

  #refusal(scope: Scope, source: string, message: string): Error {
    const { earliest, latest, points = [] } = this.recoverable(scope, source) ?? {};
    const time = (at: number | undefined) => (at === undefined ? "?" : new Date(at).toISOString());
    const named =
      points.length === 0
        ? ""
        : ` Points: ${points
            .slice(0, 5)
            .map(({ name }) => name)
            .join(", ")}.`;
    return vaultError("VAULT_NOTHING_TO_RESTORE", message, {
      hint: `From ${time(earliest)} to ${time(latest)}.${named}`,
    });
  }

  async #watch(): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      for (const { scope } of store.scopes.list()) {
        try {
          for (const source of this.#wanted(scope)) this.#follow(scope, source);
        } catch (error) {
          log("warn", `logs of ${scopeKey(scope)} cannot be followed: ${messageOf(error)}`);
        }
      }
      this.#endUnwanted();
      await clock.sleep(lookEveryMs, signal).catch(() => undefined);
    }
  }

  #follow(scope: Scope, source: string): void {
    const key = `${scopeKey(scope)}/${source}`;
    if (this.#running.has(key)) return;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, over.signal]);
    const follower = new LogFollower(this.#parts, scope, source);
    const done = follower.run(signal).finally(() => this.#running.delete(key));
    this.#running.set(key, { over, done });
  }

  #endUnwanted(): void {
    const wanted = this.#parts.store.scopes
      .list()
      .flatMap(({ scope }) => this.#wanted(scope).map((source) => `${scopeKey(scope)}/${source}`));
    for (const [key, { over }] of this.#running)
      if (!wanted.includes(key)) over.abort(new Error("it is not wanted any more"));
  }

  /** Asked every ten seconds of every stack, and a release never changes: each is resolved once. */
  #wanted(scope: Scope): readonly string[] {
    const release = this.#parts.store.scopes.get(scope)?.current;
    if (release === undefined) return [];
    const wanted = this.#wantedBy.get(release) ?? this.#askedFor(scope);
    this.#wantedBy.set(release, wanted);
    return wanted;
  }

  #askedFor(scope: Scope): string[] {
    const stack = stackAsWritten(this.#parts, scope);
    const settings = stack.backups?.sources ?? {};
    const asks = Object.keys(settings).filter((name) => settings[name]?.pointInTime === true);
    if (asks.length === 0) return [];
    const found = coverage(stack).sources.filter(({ kind }) => kind === "postgres");
    return found.map(({ name }) => name).filter((name) => asks.includes(name));
  }
}

function none(source: string): Recoverable {
  return { source, points: [], logBytes: 0, problem: "it has not been followed yet" };
}

/** The newest that is before the moment, of a line that reaches it; without a moment: of the line that goes on. */
function baseFor(
  bases: readonly BaseRecord[],
  lines: readonly LogLine[],
  moment: number | undefined,
): BaseRecord | undefined {
  const reaching =
    moment === undefined ? lines.slice(-1) : lines.filter(({ latest = 0 }) => latest >= moment);
  return bases
    .filter(({ line }) => reaching.some(({ id }) => id === line))
    .filter(({ usableFrom }) => moment === undefined || usableFrom <= moment)
    .at(-1);
}
