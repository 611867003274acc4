import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** RFC 6238 as every authenticator app does it: SHA-1, 30 seconds, six digits. */
const stepMs = 30_000;
/** A clock may be one step off in either direction (RFC 6238, section 5.2). */
const drift = [0, -1, 1];
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function newTotpSecret(): string {
  return toBase32(randomBytes(20));
}

/** The code of a step (RFC 4226, section 5.3). */
export function totpAt(secret: Uint8Array, step: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** The step that the code belongs to; undefined: wrong, or of a step that was used already. */
export function matchTotp(
  secret: string,
  code: string,
  { now, usedStep }: { now: number; usedStep: number },
): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const key = fromBase32(secret);
  const present = Math.floor(now / stepMs);
  const given = Buffer.from(code);
  return drift
    .map((shift) => present + shift)
    .filter((step) => timingSafeEqual(Buffer.from(totpAt(key, step)), given))
    .find((step) => step > usedStep);
}

/** What the app scans. */
export function totpUri(secret: string, email: string): string {
  return `otpauth://totp/${encodeURIComponent(`Roadstead:${email}`)}?secret=${secret}&issuer=Roadstead`;
}

/** Letters and digits that nobody mistypes: for secrets and for codes that people copy. */
export function toBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, "0"), 2)] ?? "")
    .join("");
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
