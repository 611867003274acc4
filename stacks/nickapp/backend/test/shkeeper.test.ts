import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { callbackSchema, isSigned } from "../src/payments/shkeeper.ts";

const secret = "webhook-secret";
const body = Buffer.from('{"external_id":"deal"}');
const sign = (timestamp: string, key = secret) =>
  createHmac("sha256", key).update(`${timestamp}.`).update(body).digest("hex");

test("a callback needs the secret's signature over its time and its exact body (R-314)", () => {
  const given = { timestamp: "1000", signature: sign("1000"), body };
  assert.equal(isSigned(given, secret, 1000), true);
  assert.equal(isSigned({ ...given, signature: sign("1000", "other") }, secret, 1000), false);
  assert.equal(isSigned({ ...given, timestamp: "1001" }, secret, 1000), false);
  assert.equal(isSigned({ ...given, body: Buffer.from("{}") }, secret, 1000), false);
  assert.equal(isSigned({ ...given, signature: "" }, secret, 1000), false);
});

test("a recorded callback is worth nothing after a quarter of an hour (R-314)", () => {
  const given = { timestamp: "1000", signature: sign("1000"), body };
  assert.equal(isSigned(given, secret, 1000 + 15 * 60), true);
  assert.equal(isSigned(given, secret, 1001 + 15 * 60), false);
});

test("amounts become whole cents; what is no amount is refused", () => {
  const parse = (amount: unknown) =>
    callbackSchema.safeParse({
      external_id: "deal",
      fiat: "USD",
      transactions: [{ txid: "t", amount_fiat: amount }],
    });
  for (const [amount, cents] of [
    ["12.5", 1250],
    ["0.07", 7],
    [3, 300],
    ["1.999", 199],
  ] as const)
    assert.equal(parse(amount).data?.transactions[0]?.amount_fiat, cents);
  for (const amount of ["-1", "1e9", "", "12,50", null]) assert.equal(parse(amount).success, false);
});
