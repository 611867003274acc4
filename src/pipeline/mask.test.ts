import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeMasker } from "./mask.ts";

const secret = "hunter2+/pässword&x";
const masked = (line: string, value = secret) => makeMasker({ TOKEN: value }).mask(line);

describe("makeMasker (R-074, R-107)", () => {
  it.each([
    ["as it is", secret],
    ["twice", `${secret}${secret}`],
    ["in Base64", Buffer.from(secret).toString("base64")],
    ["in Base64 for URLs", Buffer.from(secret).toString("base64url")],
    ["in a URL", encodeURIComponent(secret)],
    [
      "in a URL, in small letters",
      encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase()),
    ],
    ["in JSON", JSON.stringify({ token: secret })],
  ])("masks a secret %s", (_what, shown) => {
    const line = masked(`before ${shown} after`);
    expect(line).toMatch(/^before .*\*\*\*.* after$/);
    for (const form of ["hunter2", "p%C3", "p%c3", Buffer.from("hunter2").toString("base64").slice(0, 9)])
      expect(line).not.toContain(form);
  });

  it("masks a secret inside a Base64 text, e.g. of a Basic header", () => {
    for (const user of ["a", "ab", "abc", "deploy"]) {
      const header = Buffer.from(`${user}:ghp_0123456789abcdef`).toString("base64");
      const line = masked(`Authorization: Basic ${header}`, "ghp_0123456789abcdef");
      expect(line).toContain("***");
      expect(Buffer.from(line.split(" ")[2] ?? "", "base64").toString()).not.toContain("0123456789");
    }
  });

  it("masks each line of a value with several, and the whole as JSON", () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    expect(masked("kqhkiG9w0BAQEF", key)).toBe("***");
    expect(masked("x MIIEvQIBADANBg y", key)).toBe("x *** y");
    expect(masked(JSON.stringify({ key }), key)).not.toContain("MIIE");
  });

  it("masks the longer of two values that begin alike", () => {
    const { mask } = makeMasker({ A: "abcd", B: "abcdefgh" });
    expect(mask("abcdefgh abcdx")).toBe("*** ***x");
  });

  it("leaves short values, and says so by name without the value", () => {
    const { mask, unmasked } = makeMasker({ PIN: "123", EMPTY: "", KEY: "long enough\nab" });
    expect(mask("123 ab")).toBe("123 ab");
    expect(unmasked).toEqual([
      { name: "PIN", reason: "it is shorter than 4 characters" },
      { name: "KEY", reason: "a line of it is shorter than 4 characters" },
    ]);
  });

  it("changes nothing without secrets, and takes every character literally", () => {
    expect(makeMasker({}).mask("a line")).toBe("a line");
    expect(masked("a.c+ and abc+", "a.c+")).toBe("*** and abc+");
    expect(masked("$& and x", "$&$&")).toBe("$& and x");
  });

  it("says which secrets are too many to look for", () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`S${i}`, `value number ${i}`]));
    expect(makeMasker(many).unmasked.length).toBeGreaterThan(0);
  });

  it("never lets a value of a single line through", () => {
    const value = fc
      .string({ minLength: 4, maxLength: 40 })
      .filter((text) => text.trim().length >= 4 && text !== "****");
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (text, before, after) => {
        fc.pre(!text.includes("*"));
        expect(masked(`${before}${text}${after}`, text)).not.toContain(text.trim());
      }),
    );
  });
});
