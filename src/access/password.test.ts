import { describe, expect, it } from "vitest";
import { assertStrong, Passwords } from "./password.ts";

const ada = { email: "ada.lovelace@example.com", name: "Ada Lovelace" };

describe("passwords", () => {
  it("are kept as argon2id with OWASP's cost and a salt of their own", async () => {
    const passwords = new Passwords();
    const [one, two] = [
      await passwords.hash("correct horse battery"),
      await passwords.hash("correct horse battery"),
    ];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify("correct horse battery", one)).toBe(true);
    expect(await passwords.verify("correct horse batterz", one)).toBe(false);
    // However the keyboard composes an umlaut.
    expect(await passwords.verify("gru\u0308ne Wiese 12", await passwords.hash("gr\u00fcne Wiese 12"))).toBe(
      true,
    );
  });

  it("never fit a user who is not there, though one is computed", async () => {
    expect(await new Passwords().verify("anything", undefined)).toBe(false);
  });

  it("are checked a few at once, and not without a bound", async () => {
    const passwords = new Passwords({ memory: 64, passes: 1, parallelism: 1 });
    const known = await passwords.hash("correct horse battery");
    const many = await Promise.allSettled(Array.from({ length: 40 }, () => passwords.verify("x", known)));
    const refused = many.filter(({ status }) => status === "rejected");
    expect(refused.length).toBe(8);
    expect(refused[0]).toMatchObject({ reason: { code: "ACCESS_BUSY" } });
    expect(await passwords.verify("correct horse battery", known)).toBe(true);
  });

  it.each(["short", "ada.lovelace1", "Ada Lovelace!", "aaaaaaaaaaaaaaaa", "x".repeat(257)])(
    "like %s are refused",
    (password) => {
      expect(() => assertStrong(password, ada)).toThrow();
    },
  );

  it.each(["correct horse battery", "tr0ub4dor&3zebra", "ein langer Satz"])(
    "like %s are taken",
    (password) => {
      expect(() => assertStrong(password, ada)).not.toThrow();
    },
  );
});
