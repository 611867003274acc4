import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { type Grant, may } from "../policy/permissions.ts";
import type { Store } from "../store/port.ts";
import { accessError } from "./errors.ts";
import type { User, UserId } from "./user.ts";

const collection = "users";
/** A server of one team; more than this is a mistake, and lists stay whole. */
const maxUsers = 1000;

/** All users, durable. */
export class UserBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: Ids;

  constructor({ store, clock, ids }: { store: Store; clock: Clock; ids: Ids }) {
    this.#store = store;
    this.#clock = clock;
    this.#ids = ids;
  }

  get(id: string): User | undefined {
    return this.#store.records.get<User>(collection, id);
  }

  /** In the order in which they came. */
  list(): User[] {
    return this.#store.records.list<User>(collection, { limit: maxUsers }).map(({ value }) => value);
  }

  isEmpty(): boolean {
    return this.#store.records.list(collection, { limit: 1 }).length === 0;
  }

  byEmail(email: string): User | undefined {
    const wanted = normalEmail(email);
    return this.list().find((user) => user.email === wanted);
  }

  /** Errors: `ACCESS_USER_EXISTS`, `ACCESS_TOO_MANY_USERS`. */
  create(facts: Pick<User, "name" | "grants"> & { email: string; password?: string }): User {
    const users = this.list();
    const email = normalEmail(facts.email);
    if (users.some((user) => user.email === email))
      throw accessError("ACCESS_USER_EXISTS", `there is a user ${email}`);
    if (users.length >= maxUsers) throw accessError("ACCESS_TOO_MANY_USERS", `there are ${maxUsers} users`);
    const id = this.#ids.next("user") as UserId;
    const user: User = { ...facts, id, email, createdAt: this.#clock.now() };
    this.#store.records.put(collection, id, user);
    return user;
  }

  /** Errors: `ACCESS_USER_UNKNOWN`, `ACCESS_LAST_ADMIN`. */
  update(id: string, change: (user: User) => User): User {
    return this.#store.transaction(() => {
      const user = this.get(id);
      if (!user) throw accessError("ACCESS_USER_UNKNOWN", `there is no user ${id}`);
      const changed = change(user);
      if (isOwner(user) && !isOwner(changed) && this.list().filter(isOwner).length === 1)
        throw accessError("ACCESS_LAST_ADMIN", `${user.email} is the last administrator`);
      this.#store.records.put(collection, id, changed);
      return changed;
    });
  }
}

/** The same address however it was typed. */
export function normalEmail(email: string): string {
  return email.trim().normalize("NFC").toLowerCase();
}

function isOwner(user: { grants: readonly Grant[]; disabledAt?: number }): boolean {
  return user.disabledAt === undefined && may(user.grants, "administer", {});
}
