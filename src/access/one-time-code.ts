import { randomBytes } from "node:crypto";
import { sha256 } from "../lib/hash.ts";
import { toBase32 } from "./totp.ts";

/** `ABCD-EFGH-…`: 80 bits, or what is asked for, in groups that can be read aloud. */
export function newCode(bytes = 10): string {
  return (toBase32(randomBytes(bytes)).match(/.{1,4}/g) ?? []).join("-");
}

/** However it was typed. Random enough that a plain hash can't be guessed back. */
export function hashOfCode(code: string): string {
  return sha256(code.toUpperCase().replaceAll(/[^A-Z2-7]/g, ""));
}
