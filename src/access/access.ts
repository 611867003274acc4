import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { adminEverywhere } from "../policy/permissions.ts";
import type { Store } from "../store/port.ts";
import { accessError } from "./errors.ts";
import { SignInProviders } from "./oidc.ts";
import { hashOfCode, newCode } from "./one-time-code.ts";
import { assertStrong, type Cost, Passwords } from "./password.ts";
import { SecondFactor } from "./second-factor.ts";
import { SessionBook } from "./session-book.ts";
import { SignIn } from "./sign-in.ts";
import type { User } from "./user.ts";
import { UserBook } from "./user-book.ts";

const invitations = "invitations";
const setup = "setup";
const invitationMs = 72 * 60 * 60_000;
const invitationLimit = 2000;

type Invitation = { user: string; until: number };

/** Users, their sessions, and how they prove who they are. Writes no audit entries: whoever calls it knows the actor. */
export class Access {
  readonly users: UserBook;
  readonly sessions: SessionBook;
  readonly passwords: Passwords;
  readonly secondFactor: SecondFactor;
  readonly signIn: SignIn;
  readonly providers: SignInProviders;
  readonly #store: Store;
  readonly #clock: Clock;

  /** `passwordCost`: a test's, that spares minutes. */
  constructor(parts: { store: Store; clock: Clock; ids: Ids; passwordCost?: Cost }) {
    this.passwords = new Passwords(parts.passwordCost);
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.users = new UserBook(parts);
    this.sessions = new SessionBook({ ...parts, users: this.users });
    this.secondFactor = new SecondFactor({ ...parts, users: this.users });
    this.providers = new SignInProviders({ ...parts, users: this.users });
    this.signIn = new SignIn({ ...parts, ...this.#provers() });
  }

  #provers() {
    return { users: this.users, passwords: this.passwords, secondFactor: this.secondFactor };
  }

  /** The code for the first person, made anew at each start while there is nobody; undefined: there is. */
  newSetupCode(): string | undefined {
    if (!this.users.isEmpty()) return undefined;
    const code = newCode();
    this.#store.records.put(setup, "code", hashOfCode(code));
    return code;
  }

  /** The owner: administrator of everything. Errors: `ACCESS_ALREADY_SET_UP`, `ACCESS_SETUP_CODE_WRONG`, `ACCESS_PASSWORD_WEAK`. */
  async prepareOwner(wish: { code: string; email: string; name: string; password: string }) {
    const assertOpen = () => {
      if (!this.users.isEmpty()) throw accessError("ACCESS_ALREADY_SET_UP", "the owner is set up already");
      if (this.#store.records.get<string>(setup, "code") !== hashOfCode(wish.code))
        throw accessError("ACCESS_SETUP_CODE_WRONG", "the set-up code is not right");
    };
    assertOpen();
    assertStrong(wish.password, wish);
    const password = await this.passwords.hash(wish.password);
    return (): User => {
      assertOpen();
      this.#store.records.remove(setup, "code");
      const { email, name } = wish;
      return this.users.create({ email, name, password, grants: adminEverywhere });
    };
  }

  /** A code to set a password with, once and within three days; earlier ones of the user end. */
  invite(user: User): { code: string; until: number } {
    const code = newCode(15);
    const open = this.#store.records.list<Invitation>(invitations, { limit: invitationLimit });
    for (const { key, value } of open)
      if (value.user === user.id || value.until <= this.#clock.now())
        this.#store.records.remove(invitations, key);
    const until = this.#clock.now() + invitationMs;
    this.#store.records.put<Invitation>(invitations, hashOfCode(code), { user: user.id, until });
    return { code, until };
  }

  /** Errors: `ACCESS_INVITATION_INVALID`, `ACCESS_PASSWORD_WEAK`. Answers what writes it, to be called once. */
  async prepareAcceptance(wish: { code: string; password: string; name?: string }) {
    const invited = () => {
      const invitation = this.#store.records.get<Invitation>(invitations, hashOfCode(wish.code));
      const user = invitation && this.users.get(invitation.user);
      if (!user || user.disabledAt !== undefined || invitation.until <= this.#clock.now())
        throw accessError("ACCESS_INVITATION_INVALID", "the invitation is not valid, or was used");
      return user;
    };
    assertStrong(wish.password, invited());
    const password = await this.passwords.hash(wish.password);
    return (): User => {
      const { id } = invited();
      this.#store.records.remove(invitations, hashOfCode(wish.code));
      const name = wish.name === undefined ? {} : { name: wish.name };
      return this.users.update(id, (user) => ({ ...user, ...name, password }));
    };
  }

  /** Takes password and second factor away and signs them out; an invitation lets them in again. */
  reset(id: string): User {
    const user = this.users.update(id, ({ password: _p, totp: _t, recovery: _r, ...known }) => known);
    this.sessions.endAll(user.id);
    return user;
  }

  /** Errors: `ACCESS_SIGN_IN_REFUSED` (the present one is wrong), `ACCESS_PASSWORD_WEAK`. */
  async prepareNewPassword(user: User, wish: { password: string; newPassword: string }) {
    await this.assertPassword(user, wish.password);
    assertStrong(wish.newPassword, user);
    const password = await this.passwords.hash(wish.newPassword);
    return (): User => this.users.update(user.id, (known) => ({ ...known, password }));
  }

  /** Somebody at an open screen must not change how its owner signs in. */
  async assertPassword(user: User, password: string): Promise<void> {
    await this.signIn.proveAgain(user, password);
  }
}
