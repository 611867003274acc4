import { PlatformError } from "../lib/platform-error.ts";

/** Code -> what the operator can do about it. Every error a store driver throws has one of these codes. */
export const storeErrorHints = {
  STORE_NOT_FOUND: "The id may be misspelt, or it belongs to another control plane's database.",
  STORE_CONFLICT: "Ids are used once; this is a bug worth reporting.",
  STORE_NEWER_SCHEMA:
    "Start the newer Roadstead again, or restore the backup of the database that was made before the upgrade.",
  STORE_CORRUPT:
    "Stop the control plane, keep a copy of the database file, and restore it from a backup. Services go on running meanwhile.",
  STORE_LOCKED: "Another process holds the database: is a second control plane running on the same folder?",
  STORE_KEY_MISMATCH:
    "Put back the key file that belongs to this database. Without it the stored secrets can't be read.",
  STORE_KEY_INVALID: "The key file must hold exactly 32 bytes. Put back the original from your backup.",
  STORE_UNAVAILABLE: "Check that the folder exists, is writable by this user and that the disk is not full.",
} as const;

export type StoreErrorCode = keyof typeof storeErrorHints;

/** A store failure with its code's standing hint. */
export function storeError(code: StoreErrorCode, message: string, cause?: unknown): PlatformError {
  return new PlatformError(code, message, {
    hint: storeErrorHints[code],
    ...(cause === undefined ? {} : { cause }),
  });
}
