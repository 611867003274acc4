import { describe, expect, it } from "vitest";
import { parseStat } from "./process-table.ts";
import { Serial } from "./serial.ts";
import { chooseAddress } from "./service-address.ts";
import { splitStatements } from "./sql-statements.ts";
import { wellKnown } from "./well-known.ts";

describe("well-known images", () => {
  it.each([
    ["postgres:16", { kind: "postgres", program: "postgres", major: 16 }],
    [
      "docker.io/library/postgres:16.4-alpine@sha256:00",
      { kind: "postgres", program: "postgres", major: 16 },
    ],
    ["postgres", { kind: "postgres", program: "postgres" }],
    ["redis:7-alpine", { kind: "redis", program: "redis", major: 7 }],
    ["valkey/valkey:8", { kind: "redis", program: "valkey", major: 8 }],
    ["node:24-alpine", { kind: "node", program: "node", major: 24 }],
    ["bitnami/postgres:16", undefined],
    ["ghcr.io/somebody/redis:7", undefined],
    ["localhost:5000/node", undefined],
    ["postgresql-tools", undefined],
  ])("%s", (reference, expected) => {
    expect(wellKnown(reference)).toEqual(expected);
  });
});

describe("loopback addresses", () => {
  it("are the same each time, and never taken twice", () => {
    const taken = new Set<string>();
    for (let index = 0; index < 300; index += 1) {
      const address = chooseAddress("shop/production/api", taken);
      expect(address).toMatch(/^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/);
      expect(address.split(".").at(-1)).not.toMatch(/^(0|255)$/);
      expect(taken.has(address)).toBe(false);
      taken.add(address);
    }
    expect(chooseAddress("shop/production/api", new Set())).toBe([...taken][0]);
  });
});

describe("SQL scripts", () => {
  it.each([
    ["select 1; select 2", ["select 1", "select 2"]],
    ["select ';'; select \"a;b\"", ["select ';'", 'select "a;b"']],
    ["select 'it''s;'; x", ["select 'it''s;'", "x"]],
    ["select E'\\';'; x", ["select E'\\';'", "x"]],
    ["-- a; b\nselect 1;", ["-- a; b\nselect 1"]],
    ["/* a; ' */ select 1; -- end", ["/* a; ' */ select 1"]],
    ["create function f() as $$ begin; end; $$; x", ["create function f() as $$ begin; end; $$", "x"]],
    ["do $body$ a; $$ b; $$ $body$; x", ["do $body$ a; $$ b; $$ $body$", "x"]],
    ["select $1; x", ["select $1", "x"]],
    [" ;; \n", []],
  ])("%j", (script, statements) => {
    expect(splitStatements(script)).toEqual(statements);
  });
});

describe("/proc/<pid>/stat", () => {
  it("is read past a program name with spaces and brackets", () => {
    const fields = "S 1 42 42 0 -1 4194560 100 0 0 0 7 3 0 0 20 0 1 0 123456 1000 55 18446744073709551615";
    expect(parseStat(`42 (a) b (c) ${fields}`)).toEqual({
      state: "S",
      parent: 1,
      group: 42,
      userTicks: 7,
      systemTicks: 3,
      startTicks: 123456,
      residentPages: 55,
    });
    expect(parseStat("")).toBeUndefined();
  });
});

describe("work of one key", () => {
  it("runs in order, also after a failure, and beside that of other keys", async () => {
    const serial = new Serial();
    const order: string[] = [];
    const step = (name: string, gate: Promise<void>) => async () => {
      await gate;
      order.push(name);
      if (name === "a1") throw new Error("a1 failed");
    };
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const first = serial.run("a", step("a1", gate));
    const second = serial.run("a", step("a2", Promise.resolve()));
    await serial.run("b", step("b1", Promise.resolve()));
    expect(order).toEqual(["b1"]);
    open();
    await expect(first).rejects.toThrow("a1 failed");
    await second;
    expect(order).toEqual(["b1", "a1", "a2"]);
  });
});
