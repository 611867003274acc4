import { randomBytes } from "node:crypto";
import { type Answer, json } from "../shared/answer.ts";
import { BadCall, type Call, type Json, textOf } from "../shared/call.ts";
import { Faults } from "../shared/faults.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { type Environment, listenOn } from "../shared/settings.ts";
import { StandIn } from "../shared/stand-in.ts";
import { Callbacks } from "./callbacks.ts";
import * as invoices from "./invoice.ts";
import { type PaymentsSettings, paymentsSettings } from "./settings.ts";

type Invoice = invoices.Invoice;
const mostInvoices = 10_000;

/** SHKeeper's payment API, and the people who pay. */
class Payments {
  readonly settings: PaymentsSettings;
  readonly callbacks: Callbacks;
  #invoices: Invoice[] = [];

  constructor(settings: PaymentsSettings) {
    this.settings = settings;
    this.callbacks = new Callbacks(settings);
  }

  reset(): void {
    this.#invoices = [];
    this.callbacks.reset();
  }

  routes(): Routes {
    return {
      "GET /api/v1/crypto": () =>
        json({
          status: "success",
          crypto: invoices.currencies.map(({ name }) => name),
          crypto_list: invoices.currencies.map(({ name, display }) => ({ name, display_name: display })),
        }),
      "POST /api/v1/:crypto/payment_request": this.#withKey((call) => this.#request(call)),
      "POST /api/v1/:crypto/quote": this.#withKey((call) => {
        const currency = currencyOf(call);
        if (!currency) return unavailable(call);
        const amount = invoices.inCrypto(centsOf(call.json(), "amount"), currency);
        return json({ status: "success", crypto_amount: amount, exchange_rate: currency.rate.toFixed(2) });
      }),
      "GET /api/v1/invoices/:id": this.#withKey((call) => {
        const found = this.#invoices.filter(({ externalId }) => externalId === call.param("id"));
        return json({ status: "success", invoices: found.map(describe) });
      }),
      "GET /api/v1/transactions/:crypto/:addr": this.#withKey((call) => {
        const found = this.#invoices.find(({ wallet }) => wallet === call.param("addr"));
        return json({ status: "success", transactions: found ? transactionsOf(found) : [] });
      }),
    };
  }

  control(): Routes {
    return {
      "GET /_stand-in/callbacks": () => json(this.callbacks.all),
      "GET /_stand-in/invoices": () => json(this.#invoices.map(describe)),
      "POST /_stand-in/pay": (call) => this.#pay(call.json()),
      "POST /_stand-in/replay": async (call) => {
        const delivered = await this.callbacks.replay(Number(call.json()["callback"]));
        return delivered === undefined ? json({ error: "no such callback" }, 404) : json({ delivered });
      },
    };
  }

  #withKey(handler: Handler): Handler {
    return async (call) => {
      if (call.header("x-shkeeper-api-key") !== this.settings.apiKey) return failure("Bad API key", 401);
      try {
        return await handler(call);
      } catch (error) {
        if (error instanceof BadCall) return failure(error.message, 400);
        throw error;
      }
    };
  }

  #request(call: Call): Answer {
    const currency = currencyOf(call);
    if (!currency) return unavailable(call);
    const body = call.json();
    const externalId = String(body["external_id"] ?? "");
    const fiat = textOf(body, "fiat");
    const callbackUrl = textOf(body, "callback_url");
    if (externalId === "") throw new BadCall("external_id is missing");
    if (!["USD", "EUR"].includes(fiat)) throw new BadCall(`fiat ${fiat} is not enabled`);
    if (!URL.canParse(callbackUrl)) throw new BadCall("callback_url is not a URL");
    const terms = {
      fiat,
      cents: centsOf(body, "amount"),
      currency,
      wallet: invoices.walletFor(externalId, currency),
    };
    const invoice = this.#upsert(externalId, callbackUrl, terms);
    return json({
      status: "success",
      id: invoice.id,
      wallet: invoice.wallet,
      amount: invoices.inCrypto(invoice.cents, currency),
      exchange_rate: currency.rate.toFixed(2),
      display_name: currency.display,
      recalculate_after: 0,
    });
  }

  #upsert(
    externalId: string,
    callbackUrl: string,
    terms: Pick<Invoice, "fiat" | "cents" | "currency" | "wallet">,
  ): Invoice {
    const known = this.#invoices.find(
      (one) => one.externalId === externalId && one.callbackUrl === callbackUrl,
    );
    if (known) return Object.assign(known, terms);
    const id = (this.#invoices.at(-1)?.id ?? 0) + 1;
    const invoice: Invoice = { id, externalId, callbackUrl, transactions: [], ...terms };
    this.#invoices.push(invoice);
    if (this.#invoices.length > mostInvoices) this.#invoices.shift();
    return invoice;
  }

  async #pay(body: Json): Promise<Answer> {
    const externalId = String(body["externalId"] ?? "");
    const invoice = this.#invoices.findLast((one) => one.externalId === externalId);
    if (!invoice) return json({ error: `no invoice ${externalId}` }, 404);
    const transaction = book(invoice, body);
    if (body["silent"] === true) return json({ txid: transaction.txid, delivered: null, callback: null });
    const callback = await this.callbacks.send(
      invoice.callbackUrl,
      invoices.notification(invoice, transaction),
      {
        badSignature: body["badSignature"] === true,
        ...(typeof body["timestamp"] === "number" ? { timestamp: body["timestamp"] } : {}),
      },
    );
    return json({ txid: transaction.txid, delivered: callback.tries[0]?.status ?? null, callback });
  }
}

/** The same txid is the same payment: it counts once. */
function book(invoice: Invoice, body: Json): invoices.Transaction {
  const txid = textOf(body, "txid", `0x${randomBytes(32).toString("hex")}`);
  const known = invoice.transactions.find((one) => one.txid === txid);
  if (known) return known;
  const date = new Date().toISOString().slice(0, 19).replace("T", " ");
  const transaction = { txid, date, amountFiat: centsOf(body, "amount"), crypto: invoice.currency.name };
  invoice.transactions.push(transaction);
  return transaction;
}

function describe(invoice: Invoice): Json {
  return {
    external_id: invoice.externalId,
    fiat: invoice.fiat,
    amount_fiat: invoices.money(invoice.cents),
    balance_fiat: invoices.money(invoices.paidCents(invoice)),
    status: invoices.statusOf(invoice),
    txs: transactionsOf(invoice),
  };
}

function transactionsOf(invoice: Invoice): Json[] {
  return invoice.transactions.map(({ txid, amountFiat, crypto }) => {
    const amount = invoices.inCrypto(amountFiat, invoice.currency);
    return { addr: invoice.wallet, amount, crypto, status: "CONFIRMED", txid };
  });
}

function currencyOf(call: Call): invoices.Currency | undefined {
  return invoices.currencies.find(({ name }) => name === call.param("crypto"));
}

function centsOf(body: Json, key: string): number {
  const amount = Number(body[key]);
  if (!Number.isFinite(amount) || amount <= 0) throw new BadCall(`${key} must be a positive number`);
  return invoices.cents(amount);
}

const failure = (message: string, status: number): Answer => json({ status: "error", message }, status);
const unavailable = (call: Call): Answer =>
  failure(`${call.param("crypto")} payment gateway is unavailable`, 200);

/** Starts it. */
export function startPayments(env: Environment): Promise<StandIn> {
  const payments = new Payments(paymentsSettings(env));
  const standIn = new StandIn({
    name: "payments",
    ...listenOn(env),
    faults: new Faults({ defaults: {}, checks: {} }),
    routes: payments.routes(),
    control: payments.control(),
    faultAnswer: (status) => failure("fault", status),
    reset: () => payments.reset(),
  });
  return standIn.listen();
}
