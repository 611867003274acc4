import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../src/platform/settings.ts";

test("names everything that is missing at once, and never a value (R-281)", () => {
  assert.throws(
    () => readSettings({ JWT_SECRET: "short-one", REDIS_PASSWORD: "x" }),
    (error: Error) => {
      for (const name of [
        "JWT_SECRET",
        "REFRESH_TOKEN_SECRET",
        "MONGODB_URI",
        "REDIS_PASSWORD",
        "PUBLIC_URL",
      ])
        assert.match(error.message, new RegExp(name));
      assert.doesNotMatch(error.message, /short-one/);
      return true;
    },
  );
});
