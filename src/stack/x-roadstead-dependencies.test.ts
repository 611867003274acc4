import { describe, expect, it } from "vitest";
import { dependenciesSchema, dependencyProbe } from "./x-roadstead-dependencies.ts";

function probesOf(list: unknown) {
  return dependenciesSchema.parse(list).map((one) => dependencyProbe(one));
}

function problemsOf(one: unknown): string[] {
  return dependenciesSchema.safeParse([one]).error?.issues.map(({ message }) => message) ?? [];
}

describe("outside services (R-186, R-187)", () => {
  it("are asked every 30 s, 5 s at most, unless told otherwise", () => {
    const [api, mail] = probesOf([
      { name: "Payment API", http: "https://pay.example.com/health?deep=1" },
      { name: "Mail", smtp: "mail.example.com", every: "10s", timeout: 2 },
    ]);
    expect(api).toEqual({
      name: "Payment API",
      target: { kind: "http", host: "pay.example.com", port: 443, tls: true, path: "/health?deep=1" },
      everySeconds: 30,
      timeoutSeconds: 5,
    });
    expect(mail).toMatchObject({ target: { port: 587, tls: false }, everySeconds: 10, timeoutSeconds: 2 });
  });

  it.each([
    [{ tcp: "mail.example.com:993" }, { kind: "tcp", port: 993, tls: false }],
    [{ tls: "example.com" }, { kind: "tls", port: 443, tls: true }],
    [{ redis: "rediss://:p%40ss@cache.example.com" }, { port: 6379, tls: true, password: "p@ss" }],
    [
      { redis: "cache:6380", user: "app", password: "x" },
      { port: 6380, user: "app", password: "x" },
    ],
    [{ postgres: "postgres://u@db.example.com/app?sslmode=require" }, { tls: true, user: "u" }],
    [{ smtp: "smtps://mail.example.com" }, { port: 465, tls: true }],
    [{ websocket: "wss://rpc.example.com/v2" }, { port: 443, tls: true, path: "/v2" }],
    [{ tcp: "[::1]:25" }, { host: "::1", port: 25 }],
  ])("%j", (written, target) => {
    expect(probesOf([{ name: "it", ...written }])[0]?.target).toMatchObject(target);
  });

  it("names what is wrong without repeating an address, which may hold a password", () => {
    expect(problemsOf({ name: "a", http: "ftp://:hush@example.com" })).toEqual([
      "expected an address like https://api.example.com/health",
    ]);
    expect(problemsOf({ name: "a", tcp: "example.com" })).toEqual([
      "expected an address like mail.example.com:993",
    ]);
    expect(problemsOf({ name: "a" })).toEqual([
      "expected exactly one of http, tcp, tls, postgres, redis, smtp, websocket",
    ]);
    expect(problemsOf({ name: "a", tcp: "a:1", every: "1s" })).toEqual(["expected 10s to 2m"]);
    const twice = [
      { name: "a", tcp: "a:1" },
      { name: "a", tcp: "b:1" },
    ];
    expect(dependenciesSchema.safeParse(twice).error?.issues[0]?.message).toBe("two have the same name");
  });
});
