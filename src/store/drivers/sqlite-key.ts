import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { storeError } from "../errors.ts";

const keyBytes = 32;

/**
 * The key that the store's contents are encrypted with. Made at the first start (mode 0600), replaced only by a
 * rotation: of two processes that start at once both get the same one. Errors: `STORE_KEY_INVALID`, `STORE_UNAVAILABLE`.
 */
export function readOrCreateKey(path: string): Uint8Array {
  const present = readKey(path);
  if (present) return present;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createKeyFile(path);
  } catch (cause) {
    throw storeError("STORE_UNAVAILABLE", `cannot create the key file ${path}`, cause);
  }
  const made = readKey(path);
  if (!made) throw storeError("STORE_UNAVAILABLE", `the key file ${path} vanished while it was made`);
  return made;
}

/** The key of the file, if there is one. Errors: `STORE_KEY_INVALID`, `STORE_UNAVAILABLE`. */
export function readKey(path: string): Uint8Array | undefined {
  let key: Uint8Array;
  try {
    key = readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw storeError("STORE_UNAVAILABLE", `cannot read the key file ${path}`, cause);
  }
  if (key.length !== keyBytes)
    throw storeError("STORE_KEY_INVALID", `the key file ${path} holds ${key.length} bytes, not ${keyBytes}`);
  return key;
}

/** A new key in a file of its own; a crash leaves the whole of it or nothing. */
export function writeNewKey(path: string): Uint8Array {
  const temporary = `${path}.${process.pid}.tmp`;
  const key = randomBytes(keyBytes);
  writeSynced(temporary, key);
  moveKey(temporary, path);
  return key;
}

/** Puts a key file in the place of another, durably. */
export function moveKey(from: string, to: string): void {
  renameSync(from, to);
  syncFolderOf(to);
}

function writeSynced(path: string, key: Uint8Array): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, key);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolderOf(path: string): void {
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A link instead of a rename: it fails when somebody else was first, and a crash never leaves half a key. */
function createKeyFile(path: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeSynced(temporary, randomBytes(keyBytes));
  try {
    linkSync(temporary, path);
    syncFolderOf(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

const fingerprintContext = "fingerprint key";
const format = 1;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encryption and fingerprints under keys derived from the store's key (HKDF, RFC 5869): one key per purpose. The key of
 * the fingerprints outlives a rotation, encrypted under the new key: the same content keeps the same version.
 */
export class Vault {
  #encryption: Uint8Array;
  #fingerprint: Uint8Array;
  /** Tells the store's key from others. */
  keyCheck: string;

  constructor(key: Uint8Array) {
    if (key.length !== keyBytes)
      throw storeError("STORE_KEY_INVALID", `a key of ${key.length} bytes was given`);
    this.#encryption = derive(key, "roadstead store encryption");
    this.#fingerprint = derive(key, "roadstead store fingerprint");
    this.keyCheck = this.fingerprint("key check", new Uint8Array());
  }

  /** The fingerprints' key, to be kept beside the contents by a store whose key is rotated. */
  sealedFingerprintKey(): Uint8Array {
    return this.seal(fingerprintContext, this.#fingerprint);
  }

  useFingerprintKey(sealed: Uint8Array): void {
    this.#fingerprint = this.open(fingerprintContext, sealed);
  }

  /** The same fingerprints under another key. */
  underKey(key: Uint8Array): Vault {
    const next = new Vault(key);
    next.#fingerprint = this.#fingerprint;
    return next;
  }

  /** From now on this vault is that one: whoever holds it goes on with the new key. */
  become(next: Vault): void {
    this.#encryption = next.#encryption;
    this.#fingerprint = next.#fingerprint;
    this.keyCheck = next.keyCheck;
  }

  /** AES-256-GCM. `context` names the row: a sealed value that was moved to another row does not open. */
  seal(context: string, content: Uint8Array): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#encryption, nonce);
    cipher.setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(content), cipher.final()]);
    return Buffer.concat([Buffer.from([format]), nonce, cipher.getAuthTag(), body]);
  }

  /** Errors: `STORE_CORRUPT` when the value was changed or belongs elsewhere. */
  open(context: string, sealed: Uint8Array): Uint8Array {
    try {
      if (sealed[0] !== format) throw new Error(`unknown format ${sealed[0]}`);
      const nonce = sealed.subarray(1, 1 + nonceBytes);
      const tag = sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes);
      const decipher = createDecipheriv("aes-256-gcm", this.#encryption, nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(tag);
      return Buffer.concat([decipher.update(sealed.subarray(1 + nonceBytes + tagBytes)), decipher.final()]);
    } catch (cause) {
      throw storeError("STORE_CORRUPT", `the encrypted value of ${context} does not open`, cause);
    }
  }

  /** Keyed, so that a short secret can't be guessed from its version. Hex. */
  fingerprint(context: string, content: Uint8Array): string {
    return createHmac("sha256", this.#fingerprint).update(`${context}\0`).update(content).digest("hex");
  }
}

function derive(key: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), purpose, keyBytes));
}
