import { randomBytes } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";
import type { Store } from "../store/port.ts";
import type { User, UserId } from "./user.ts";
import type { UserBook } from "./user-book.ts";

export type Session = {
  user: UserId;
  createdAt: number;
  seenAt: number;
  /** Where and with what they signed in, for their own eyes. */
  address: string;
  agent: string;
};

/** Signed out after a day without a request, and after two weeks in any case. */
export const idleMs = 24 * 60 * 60_000;
export const absoluteMs = 14 * 24 * 60 * 60_000;

const collection = "sessions";
/** Once a minute is exact enough for the idle limit, and spares a write for every request. */
const touchEveryMs = 60_000;
const sessionsPerUser = 20;
const listLimit = 20_000;

/** Sessions by the hash of their id: whoever reads the database can't sign in with what stands there. */
export class SessionBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #users: UserBook;

  constructor(parts: { store: Store; clock: Clock; users: UserBook }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#users = parts.users;
  }

  /** Answers the id for the cookie; it is kept nowhere else. Who has too many loses the oldest. */
  start(user: UserId, from: { address: string; agent: string }): string {
    const id = randomBytes(32).toString("base64url");
    const now = this.#clock.now();
    const session: Session = { user, createdAt: now, seenAt: now, ...from, agent: from.agent.slice(0, 200) };
    this.#store.transaction(() => {
      this.#prune();
      const own = this.of(user);
      for (const { hash } of own.slice(0, Math.max(0, own.length + 1 - sessionsPerUser)))
        this.#store.records.remove(collection, hash);
      this.#store.records.put(collection, sha256(id), session);
    });
    return id;
  }

  /** Whose session this is; undefined when it is over, unknown, or its user is disabled. */
  find(id: string): { hash: string; user: User } | undefined {
    const hash = sha256(id);
    const session = this.#store.records.get<Session>(collection, hash);
    if (!session) return undefined;
    const now = this.#clock.now();
    const user = this.#users.get(session.user);
    if (isOver(session, now) || !user || user.disabledAt !== undefined) {
      this.#store.records.remove(collection, hash);
      return undefined;
    }
    if (now - session.seenAt >= touchEveryMs)
      this.#store.records.put(collection, hash, { ...session, seenAt: now });
    return { hash, user };
  }

  /** Oldest first. */
  of(user: UserId): (Session & { hash: string })[] {
    return this.#all()
      .filter((session) => session.user === user && !isOver(session, this.#clock.now()))
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  end(hash: string): void {
    this.#store.records.remove(collection, hash);
  }

  /** Signs somebody out everywhere, but for one session. Answers how many ended. */
  endAll(user: UserId, except?: string): number {
    const ending = this.#all().filter((session) => session.user === user && session.hash !== except);
    for (const { hash } of ending) this.end(hash);
    return ending.length;
  }

  #prune(): void {
    const now = this.#clock.now();
    for (const session of this.#all()) if (isOver(session, now)) this.end(session.hash);
  }

  #all(): (Session & { hash: string })[] {
    return this.#store.records
      .list<Session>(collection, { limit: listLimit })
      .map(({ key, value }) => ({ ...value, hash: key }));
  }
}

function isOver({ createdAt, seenAt }: Session, now: number): boolean {
  return now - seenAt >= idleMs || now - createdAt >= absoluteMs;
}
