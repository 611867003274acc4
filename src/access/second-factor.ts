import type { Clock } from "../lib/clock.ts";
import type { Store } from "../store/port.ts";
import { accessError } from "./errors.ts";
import { hashOfCode, newCode } from "./one-time-code.ts";
import { matchTotp, newTotpSecret, totpUri } from "./totp.ts";
import type { User } from "./user.ts";
import type { UserBook } from "./user-book.ts";

/** No stack can have this name, so these secrets meet no others. */
const scope = { stack: "@access", environment: "totp" };
const recoveryCodes = 10;

/** Codes of authenticator apps (RFC 6238), and recovery codes for when the phone is gone. Secrets lie encrypted. */
export class SecondFactor {
  readonly #parts: { store: Store; clock: Clock; users: UserBook };

  constructor(parts: { store: Store; clock: Clock; users: UserBook }) {
    this.#parts = parts;
  }

  /** A secret to scan; it counts from the first right code on. */
  begin(user: User): { secret: string; uri: string } {
    const secret = newTotpSecret();
    const version = this.#parts.store.secrets.put(scope, user.id, Buffer.from(secret));
    this.#parts.users.update(user.id, (known) => ({
      ...known,
      totp: { secret: version, usedStep: 0, confirmed: false },
    }));
    return { secret, uri: totpUri(secret, user.email) };
  }

  /** Turns it on; answers the recovery codes, which are shown this once. Errors: `ACCESS_TOTP_WRONG`. */
  confirm(user: User, code: string): string[] {
    if (!user.totp || user.totp.confirmed || !this.#takeTotp(user, code))
      throw accessError("ACCESS_TOTP_WRONG", "the code is not right");
    const codes = Array.from({ length: recoveryCodes }, () => newCode());
    this.#parts.users.update(user.id, ({ totp, ...known }) => ({
      ...known,
      ...(totp ? { totp: { ...totp, confirmed: true } } : {}),
      recovery: codes.map(hashOfCode),
    }));
    return codes;
  }

  remove(user: User): void {
    this.#parts.users.update(user.id, ({ totp: _totp, recovery: _recovery, ...known }) => known);
  }

  /** Whether the code proves the person; a code counts once. True for who has no second factor. */
  take(user: User, code: string): boolean {
    if (!user.totp?.confirmed) return true;
    return this.#takeTotp(user, code) || this.#takeRecovery(user, code);
  }

  #takeTotp(user: User, code: string): boolean {
    const { totp } = user;
    const secret = totp && this.#parts.store.secrets.get(scope, user.id, totp.secret);
    if (!totp || !secret) return false;
    const digits = code.replaceAll(/\s/g, "");
    const facts = { now: this.#parts.clock.now(), usedStep: totp.usedStep };
    const step = matchTotp(Buffer.from(secret).toString(), digits, facts);
    if (step === undefined) return false;
    this.#parts.users.update(user.id, (known) => ({
      ...known,
      ...(known.totp ? { totp: { ...known.totp, usedStep: step } } : {}),
    }));
    return true;
  }

  #takeRecovery(user: User, code: string): boolean {
    const hash = hashOfCode(code);
    if (!user.recovery?.includes(hash)) return false;
    this.#parts.users.update(user.id, (known) => ({
      ...known,
      recovery: (known.recovery ?? []).filter((one) => one !== hash),
    }));
    return true;
  }
}
