import type { Clock } from "../lib/clock.ts";
import { FailureLimit } from "../lib/failure-limit.ts";
import { accessError } from "./errors.ts";
import type { Passwords } from "./password.ts";
import type { SecondFactor } from "./second-factor.ts";
import type { User } from "./user.ts";
import { normalEmail, type UserBook } from "./user-book.ts";

const windowMs = 15 * 60_000;
/** From one address for one account: a forgotten password, not a guessing machine. */
const perPair = { failures: 10, windowMs };
/** For one account from everywhere: higher, so that a stranger can't easily lock somebody out. */
const perAccount = { failures: 50, windowMs };
/** From one address for all accounts together. */
const perAddress = { failures: 30, windowMs };

export type Attempt = { email: string; password: string; code?: string; address: string };

/** Proves a person by password and, where set up, a second factor; the same answer and time for unknown users. */
export class SignIn {
  readonly #parts: { users: UserBook; passwords: Passwords; secondFactor: SecondFactor };
  readonly #pairs: FailureLimit;
  readonly #accounts: FailureLimit;
  readonly #addresses: FailureLimit;

  constructor(parts: {
    users: UserBook;
    passwords: Passwords;
    secondFactor: SecondFactor;
    clock: Clock;
  }) {
    this.#parts = parts;
    this.#pairs = new FailureLimit(parts.clock, perPair);
    this.#accounts = new FailureLimit(parts.clock, perAccount);
    this.#addresses = new FailureLimit(parts.clock, perAddress);
  }

  /** Errors: `ACCESS_SIGN_IN_REFUSED`, `ACCESS_CODE_NEEDED`, `ACCESS_TOO_MANY_ATTEMPTS`. */
  async prove(attempt: Attempt): Promise<User> {
    const { users, passwords, secondFactor } = this.#parts;
    const email = normalEmail(attempt.email).slice(0, 300);
    this.#assertMay(email, attempt.address);
    const user = users.byEmail(email);
    const usable = user?.disabledAt === undefined ? user : undefined;
    const right = await passwords.verify(attempt.password, usable?.password);
    if (!usable || !right) throw this.#failed(email, attempt.address);
    if (usable.totp?.confirmed && !attempt.code)
      throw accessError("ACCESS_CODE_NEEDED", "this account has a second factor");
    // Again from the book: another attempt may have used the code up while this one was hashing.
    const present = users.get(usable.id) ?? usable;
    if (!secondFactor.take(present, attempt.code ?? "")) throw this.#failed(email, attempt.address);
    this.#pairs.clear(pairOf(email, attempt.address));
    return present;
  }

  /** The password again, of who is signed in; limited like every other guess. Errors: `ACCESS_SIGN_IN_REFUSED`, `ACCESS_TOO_MANY_ATTEMPTS`. */
  async proveAgain(user: User, password: string): Promise<void> {
    const address = `user ${user.id}`;
    this.#assertMay(user.email, address);
    if (!(await this.#parts.passwords.verify(password, user.password)))
      throw this.#failed(user.email, address);
  }

  /** Seconds until somebody of this address may try again. */
  retryAfterSeconds(email: string, address: string): number {
    const account = normalEmail(email).slice(0, 300);
    return Math.max(
      ...[
        this.#pairs.isReached(pairOf(account, address)) &&
          this.#pairs.retryAfterSeconds(pairOf(account, address)),
        this.#accounts.isReached(account) && this.#accounts.retryAfterSeconds(account),
        this.#addresses.isReached(address) && this.#addresses.retryAfterSeconds(address),
      ].map((seconds) => (seconds === false ? 1 : seconds)),
    );
  }

  /** Before anything is computed: a flood of attempts costs no more than this look. */
  #assertMay(email: string, address: string): void {
    if (
      this.#pairs.isReached(pairOf(email, address)) ||
      this.#accounts.isReached(email) ||
      this.#addresses.isReached(address)
    )
      throw accessError("ACCESS_TOO_MANY_ATTEMPTS", "too many failed attempts to sign in");
  }

  #failed(email: string, address: string): Error {
    this.#pairs.count(pairOf(email, address));
    this.#accounts.count(email);
    this.#addresses.count(address);
    return accessError("ACCESS_SIGN_IN_REFUSED", "e-mail address, password or code is not right");
  }
}

function pairOf(email: string, address: string): string {
  return `${address} ${email}`;
}
