import { randomBytes } from "node:crypto";

const bytes = 32;

/** A new secret value that no file format and no address has to escape. */
export function randomSecret(): string {
  return randomBytes(bytes).toString("base64url");
}
