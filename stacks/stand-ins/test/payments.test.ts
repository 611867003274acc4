import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { startPayments } from "../src/payments/payments.ts";
import { get, post, until } from "./control.ts";

type Received = { headers: IncomingHttpHeaders; body: string };
type Paid = { txid: string; delivered: number | null; callback: { n: number } };

let payments: Awaited<ReturnType<typeof startPayments>>;
let received: Received[] = [];
let answers: number[] = [];

/** The shop that gets the callbacks. */
const shop = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
  response.writeHead(answers.shift() ?? 202).end();
});

before(async () => {
  payments = await startPayments({ PORT: "0", HOST: "127.0.0.1", WEBHOOK_SECRET: "hook", RETRY_MS: "50" });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  shop.close();
  await payments.close();
});
beforeEach(async () => {
  received = [];
  answers = [];
  await post(payments.url, "reset");
});

function request(externalId: string, amount: string, key = "stand-in-key"): Promise<Response> {
  const callback_url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/hook`;
  return fetch(`${payments.url}/api/v1/ETH-USDT/payment_request`, {
    method: "POST",
    headers: { "content-type": "application/json", "X-Shkeeper-Api-Key": key },
    body: JSON.stringify({ external_id: externalId, fiat: "USD", amount, callback_url }),
  });
}

const pay = (body: object) => post<Paid>(payments.url, "pay", body);

test("R-314: an invoice, its payment in two parts, and callbacks signed with the secret", async () => {
  const invoice = (await (await request("order-1", "18.25")).json()) as {
    status: string;
    wallet: string;
    amount: string;
  };
  assert.equal(invoice.status, "success");
  assert.match(invoice.wallet, /^0x[0-9a-f]{40}$/);
  assert.equal(invoice.amount, "18.25000000");
  assert.equal((await pay({ externalId: "order-1", amount: 10 })).delivered, 202);
  assert.equal((await pay({ externalId: "order-1", amount: 8.25 })).delivered, 202);
  const bodies = received.map(
    ({ body }) => JSON.parse(body) as { status: string; paid: boolean; transactions: unknown[] },
  );
  assert.deepEqual(
    bodies.map(({ status, paid, transactions }) => [status, paid, transactions.length]),
    [
      ["PARTIAL", false, 1],
      ["PAID", true, 2],
    ],
  );
  for (const { headers, body } of received) {
    const expected = createHmac("sha256", "hook")
      .update(`${headers["x-shkeeper-timestamp"]}.${body}`)
      .digest("hex");
    assert.equal(headers["x-shkeeper-signature"], expected);
  }
});

test("R-314: a wrong key gets nothing", async () => {
  assert.equal((await request("order-2", "5", "wrong")).status, 401);
});

test("R-314: the same transaction counts once; a replay is the same bytes", async () => {
  await request("order-3", "5");
  const first = await pay({ externalId: "order-3", amount: 5, txid: "0xabc" });
  await pay({ externalId: "order-3", amount: 5, txid: "0xabc" });
  await post(payments.url, "replay", { callback: first.callback.n });
  assert.equal(received.length, 3);
  assert.equal(received[2]?.body, received[0]?.body);
  assert.equal(received[2]?.headers["x-shkeeper-signature"], received[0]?.headers["x-shkeeper-signature"]);
  const invoices = await get<{ balance_fiat: string; status: string }[]>(payments.url, "invoices");
  assert.deepEqual(
    invoices.map(({ balance_fiat, status }) => [balance_fiat, status]),
    [["5.00", "PAID"]],
  );
});

test("R-314: a callback that is not accepted with 202 is sent again", async () => {
  answers = [500, 200];
  await request("order-4", "5");
  assert.equal((await pay({ externalId: "order-4", amount: 5 })).delivered, 500);
  await until("the third try", () => received.length === 3);
  const [callback] = await until("its record", async () => {
    const all = await get<{ tries: { status: number }[] }[]>(payments.url, "callbacks");
    return all[0]?.tries.length === 3 && all;
  });
  assert.deepEqual(
    callback?.tries.map(({ status }) => status),
    [500, 200, 202],
  );
});

test("R-314: a forged callback carries a signature that does not fit", async () => {
  await request("order-5", "5");
  await pay({ externalId: "order-5", amount: 5, badSignature: true });
  const [one] = received;
  const right = createHmac("sha256", "hook")
    .update(`${one?.headers["x-shkeeper-timestamp"]}.${one?.body}`)
    .digest("hex");
  assert.notEqual(one?.headers["x-shkeeper-signature"], right);
});
