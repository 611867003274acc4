import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSettings } from "../src/settings.ts";

const production = {
  DATABASE_URL: "postgres://lila:p@database:5432/lila",
  BETTER_AUTH_URL: "https://api.lilastudy.com",
  BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
  CORS_ORIGIN: "https://lilastudy.com",
  COOKIE_DOMAIN: ".lilastudy.com",
};
const development = {
  ...production,
  DATABASE_URL: "postgres://lila:p@localhost:5432/lila",
  BETTER_AUTH_URL: "http://localhost:3000",
  CORS_ORIGIN: "http://localhost:5173",
  COOKIE_DOMAIN: undefined,
};

describe("settings (R-097, R-098)", () => {
  it("takes the values of production and of development alike", () => {
    assert.equal(readSettings(production).COOKIE_DOMAIN, ".lilastudy.com");
    assert.equal(readSettings(development).COOKIE_DOMAIN, undefined);
  });

  it("names every wrong variable at once, and shows no value", () => {
    const wrong = { ...production, CORS_ORIGIN: "https://lilastudy.com/", BETTER_AUTH_SECRET: "hunter2" };
    assert.throws(
      () => readSettings(wrong),
      (error: Error) => {
        assert.match(error.message, /CORS_ORIGIN: must be an origin/);
        assert.match(error.message, /BETTER_AUTH_SECRET: must have at least 32/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });

  it("refuses a cookie domain that one of the two hosts is outside of (R-244)", () => {
    assert.throws(
      () => readSettings({ ...production, COOKIE_DOMAIN: ".example.com" }),
      /lilastudy\.com is outside/,
    );
    assert.throws(
      () => readSettings({ ...production, COOKIE_DOMAIN: "lilastudy.com" }),
      /must look like \.example/,
    );
  });

  it("refuses the demo secret as soon as the address is public", () => {
    const BETTER_AUTH_SECRET = "only-for-trying-lila-on-this-machine";
    assert.throws(() => readSettings({ ...production, BETTER_AUTH_SECRET }), /demo secret is refused/);
    assert.equal(readSettings({ ...development, BETTER_AUTH_SECRET }).BETTER_AUTH_SECRET, BETTER_AUTH_SECRET);
  });

  it("refuses a client id without its secret", () => {
    assert.throws(() => readSettings({ ...production, GOOGLE_CLIENT_ID: "x" }), /both or neither/);
    assert.equal(readSettings({ ...production, GOOGLE_CLIENT_ID: "" }).GOOGLE_CLIENT_ID, undefined);
  });
});
