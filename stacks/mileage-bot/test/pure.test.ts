import assert from "node:assert/strict";
import { test } from "node:test";
import { safeReturnTo } from "../src/api/auth-routes.ts";
import { dueDay } from "../src/dailies/due.ts";
import { monthOf } from "../src/discord/answer-command.ts";
import { renderAmount, renderDistance, toMetres } from "../src/mileage/units.ts";
import { readSettings } from "../src/settings.ts";

test("signing in never leads to another site (R-287)", () => {
  assert.equal(safeReturnTo("/guilds/1?a=b"), "/guilds/1?a=b");
  for (const value of [
    "//evil.test",
    "/\\evil.test",
    "https://evil.test",
    "javascript:x",
    "",
    undefined,
    ["/x"],
  ])
    assert.equal(safeReturnTo(value), "/");
});

test("every wrong variable is named, one line each, without its value (R-298)", () => {
  const outcome = readSettings({
    DATABASE_URL: "mysql://u:secret@x",
    PORT: "http",
    ROLES: "gateway,other",
    DISCORD_TOKEN: "",
  });
  assert.ok(!outcome.ok);
  const text = outcome.problems.join("\n");
  for (const name of [
    "DATABASE_URL",
    "PORT",
    "ROLES",
    "DISCORD_TOKEN",
    "DISCORD_CLIENT_ID",
    "DISCORD_CLIENT_SECRET",
    "PUBLIC_URL",
  ])
    assert.equal(outcome.problems.filter((line) => line.startsWith(`${name} `)).length, 1, text);
  assert.doesNotMatch(text, /secret@/);
});

test("without settings of its own the bot talks to the real Discord (R-003)", () => {
  const outcome = readSettings({
    DATABASE_URL: "postgres://x/y",
    DISCORD_TOKEN: "t",
    DISCORD_CLIENT_ID: "1",
    DISCORD_CLIENT_SECRET: "s",
    PUBLIC_URL: "https://mileage.example.com",
  });
  assert.ok(outcome.ok);
  assert.equal(outcome.settings.DISCORD_API, "https://discord.com/api");
  assert.equal(outcome.settings.DISCORD_AUTHORIZE_URL, "https://discord.com/oauth2/authorize");
});

test("units: metres are kept, the guild's unit is shown", () => {
  assert.equal(toMetres(12.5, "mi"), 20_117);
  assert.equal(renderDistance(20_117, "mi"), "12.5 mi");
  assert.equal(renderDistance(10_000, "km"), "10 km");
  assert.equal(renderAmount(12_500, "km", 30, "EUR"), "3.75 EUR");
});

test("the month's end, and a daily post that is due across midnight", () => {
  assert.deepEqual(monthOf(new Date("2026-12-31T23:00:00Z")), ["2026-12-01", "2027-01-01"]);
  assert.equal(dueDay("1", 23, new Date("2026-11-21T01:00:00Z")), "2026-11-20");
  assert.equal(dueDay("1", 7, new Date("2026-11-21T06:59:00Z")), undefined);
  assert.equal(dueDay("1", 7, new Date("2026-11-21T19:30:00Z")), undefined);
});
