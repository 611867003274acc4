import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { backupError } from "../errors.ts";

/** The client's side of SCRAM-SHA-256 (RFC 5802, 7677), as PostgreSQL speaks it, without channel binding. */
export class ScramClient {
  readonly first: string;
  readonly #password: string;
  readonly #bare: string;

  constructor(password: string, nonce = randomBytes(18).toString("base64")) {
    this.#password = password;
    this.#bare = `n=,r=${nonce}`;
    this.first = `n,,${this.#bare}`;
  }

  /** The answer to the server's challenge. */
  final(serverFirst: string): string {
    const nonce = /(?:^|,)r=([^,]+)/.exec(serverFirst)?.[1] ?? "";
    const salt = Buffer.from(/,s=([^,]+)/.exec(serverFirst)?.[1] ?? "", "base64");
    const rounds = Number(/,i=(\d+)/.exec(serverFirst)?.[1]);
    const mine = this.#bare.slice("n=,r=".length);
    if (!nonce.startsWith(mine) || salt.byteLength === 0 || !(rounds >= 1 && rounds <= 1_000_000))
      throw backupError("BACKUP_SOURCE_FAILED", "the server's challenge for the password makes no sense");
    const salted = pbkdf2Sync(this.#password.normalize("NFKC"), salt, rounds, 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const stored = createHash("sha256").update(clientKey).digest();
    const without = `c=biws,r=${nonce}`;
    const signature = hmac(stored, `${this.#bare},${serverFirst},${without}`);
    const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
    return `${without},p=${Buffer.from(proof).toString("base64")}`;
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
