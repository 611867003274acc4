import { describe, expect, it } from "vitest";
import { matchTotp, newTotpSecret, toBase32, totpAt } from "./totp.ts";

const key = Buffer.from("12345678901234567890");

describe("codes of authenticator apps", () => {
  // RFC 6238, appendix B (SHA-1, eight digits).
  it.each([
    [59, "94287082"],
    [1_111_111_109, "07081804"],
    [1_111_111_111, "14050471"],
    [1_234_567_890, "89005924"],
    [2_000_000_000, "69279037"],
    [20_000_000_000, "65353130"],
  ])("are those of RFC 6238 at %i s", (seconds, code) => {
    expect(totpAt(key, Math.floor(seconds / 30), 8)).toBe(code);
  });

  it("count within one step of drift, once, and never an older one than the last", () => {
    const secret = toBase32(key);
    const at = (step: number) => totpAt(key, step);
    const now = 100 * 30_000 + 5;
    for (const step of [99, 100, 101]) expect(matchTotp(secret, at(step), { now, usedStep: 0 })).toBe(step);
    for (const step of [97, 98, 102])
      expect(matchTotp(secret, at(step), { now, usedStep: 0 })).toBeUndefined();
    expect(matchTotp(secret, at(100), { now, usedStep: 100 })).toBeUndefined();
    expect(matchTotp(secret, at(99), { now, usedStep: 100 })).toBeUndefined();
    expect(matchTotp(secret, at(101), { now, usedStep: 100 })).toBe(101);
    expect(matchTotp(secret, "", { now, usedStep: 0 })).toBeUndefined();
  });

  it("have secrets of 160 bits in base 32 (RFC 4648)", () => {
    expect(toBase32(Buffer.from("foobar"))).toBe("MZXW6YTBOI");
    expect(newTotpSecret()).toMatch(/^[A-Z2-7]{32}$/);
  });
});
