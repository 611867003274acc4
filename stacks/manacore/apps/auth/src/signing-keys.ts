import { Database } from "@manacore/platform/database";
import { tokenAlgorithm } from "@manacore/platform/mana-token";
import { Inject, Injectable } from "@nestjs/common";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from "jose";
import { seal, unseal } from "./sealed-box.js";
import { type AuthSettings, SETTINGS } from "./settings.js";

type KeyRow = { kid: string; public_jwk: JWK; sealed_private_jwk: string };

const lockKey = 727_003;

/** The Ed25519 keys that sign tokens: in the database, so that all replicas sign with the same and restarts keep it. */
@Injectable()
export class SigningKeys {
  readonly #database: Database;
  readonly #secret: string;
  #current: { kid: string; key: CryptoKey } | undefined;

  constructor(@Inject(Database) database: Database, @Inject(SETTINGS) settings: AuthSettings) {
    this.#database = database;
    this.#secret = settings.KEY_SECRET;
  }

  /** The newest key; the first caller of all replicas makes it. */
  async current(): Promise<{ kid: string; key: CryptoKey }> {
    if (this.#current) return this.#current;
    const row = await this.#database.transaction(async (queries) => {
      await queries.query("signing key", "SELECT pg_advisory_xact_lock($1)", [lockKey]);
      const text =
        "SELECT kid, public_jwk, sealed_private_jwk FROM signing_keys ORDER BY created_at DESC LIMIT 1";
      const [known] = await queries.query<KeyRow>("signing key", text);
      if (known) return known;
      const made = await makeKey(this.#secret);
      await queries.query(
        "signing key",
        "INSERT INTO signing_keys (kid, public_jwk, sealed_private_jwk) VALUES ($1, $2, $3)",
        [made.kid, made.public_jwk, made.sealed_private_jwk],
      );
      return made;
    });
    const key = await importJWK(JSON.parse(unseal(row.sealed_private_jwk, this.#secret)), tokenAlgorithm);
    if (key instanceof Uint8Array) throw new Error("the stored signing key is not an asymmetric one");
    this.#current = { kid: row.kid, key };
    return this.#current;
  }

  /** What verifiers need: all public keys, so that tokens of an older key stay valid until they expire. */
  async published(): Promise<{ keys: JWK[] }> {
    await this.current();
    const text = "SELECT kid, public_jwk FROM signing_keys ORDER BY created_at DESC LIMIT 5";
    const rows = await this.#database.query<KeyRow>("published keys", text);
    return {
      keys: rows.map(({ kid, public_jwk }) => ({ ...public_jwk, kid, alg: tokenAlgorithm, use: "sig" })),
    };
  }
}

async function makeKey(secret: string): Promise<KeyRow> {
  const { publicKey, privateKey } = await generateKeyPair(tokenAlgorithm, {
    crv: "Ed25519",
    extractable: true,
  });
  const publicJwk = await exportJWK(publicKey);
  return {
    kid: await calculateJwkThumbprint(publicJwk),
    public_jwk: publicJwk,
    sealed_private_jwk: seal(JSON.stringify(await exportJWK(privateKey)), secret),
  };
}
