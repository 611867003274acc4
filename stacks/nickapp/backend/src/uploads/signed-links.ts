import { createHmac, timingSafeEqual } from "node:crypto";

const validMs = 5 * 60_000;

/** Links that a browser can open without a header, for a few minutes, given to people who may see the file. */
export class SignedLinks {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  make(file: string, now = Date.now()): string {
    const until = String(now + validMs);
    return `/api/files/${file}?until=${until}&signature=${this.#sign(file, until).toString("base64url")}`;
  }

  isValid(file: string, until: string, signature: string, now = Date.now()): boolean {
    if (!/^\d{1,16}$/.test(until) || Number(until) < now) return false;
    const given = Buffer.from(signature, "base64url");
    const expected = this.#sign(file, until);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #sign(file: string, until: string): Buffer {
    return createHmac("sha256", this.#secret).update(`file:${file}:${until}`).digest();
  }
}
