import { tokenAlgorithm } from "@manacore/platform/mana-token";
import { Inject, Injectable } from "@nestjs/common";
import { SignJWT } from "jose";
import type { Account } from "./accounts.js";
import { type AuthSettings, SETTINGS } from "./settings.js";
import { SigningKeys } from "./signing-keys.js";

/** Issues the manaToken: claims `{ sub, role, app_id }`, signed, short-lived. */
@Injectable()
export class ManaTokens {
  readonly #keys: SigningKeys;
  readonly #settings: AuthSettings;

  constructor(@Inject(SigningKeys) keys: SigningKeys, @Inject(SETTINGS) settings: AuthSettings) {
    this.#keys = keys;
    this.#settings = settings;
  }

  async issue(account: Account, appId: string): Promise<{ manaToken: string; expiresIn: number }> {
    const { kid, key } = await this.#keys.current();
    const expiresIn = this.#settings.ACCESS_TOKEN_SECONDS;
    const manaToken = await new SignJWT({ role: account.role, app_id: appId })
      .setProtectedHeader({ alg: tokenAlgorithm, kid, typ: "JWT" })
      .setSubject(account.id)
      .setIssuer(this.#settings.TOKEN_ISSUER)
      .setIssuedAt()
      .setExpirationTime(`${expiresIn}s`)
      .sign(key);
    return { manaToken, expiresIn };
  }
}
