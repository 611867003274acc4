import { createHash } from "node:crypto";

export const currencies = [
  { name: "BTC", display: "Bitcoin", rate: 64_000 },
  { name: "ETH", display: "Ethereum", rate: 3_200 },
  { name: "ETH-USDT", display: "ERC20 USDT", rate: 1 },
] as const;

export type Currency = (typeof currencies)[number];
export type Transaction = { txid: string; date: string; amountFiat: number; crypto: string };
export type Status = "UNPAID" | "PARTIAL" | "PAID" | "OVERPAID";

/** One request for a payment; money is counted in hundredths. */
export type Invoice = {
  id: number;
  externalId: string;
  fiat: string;
  cents: number;
  callbackUrl: string;
  currency: Currency;
  wallet: string;
  transactions: Transaction[];
};

export const cents = (amount: number): number => Math.round(amount * 100);
export const money = (inCents: number): string => (inCents / 100).toFixed(2);
export const inCrypto = (inCents: number, { rate }: Currency): string => (inCents / 100 / rate).toFixed(8);

export const paidCents = (invoice: Invoice): number =>
  invoice.transactions.reduce((sum, { amountFiat }) => sum + amountFiat, 0);

export function statusOf(invoice: Invoice): Status {
  const paid = paidCents(invoice);
  if (paid === 0) return "UNPAID";
  if (paid < invoice.cents) return "PARTIAL";
  return paid > invoice.cents ? "OVERPAID" : "PAID";
}

/** An address belongs to invoice and currency, and stays the same. */
export function walletFor(externalId: string, currency: Currency): string {
  return `0x${createHash("sha256").update(`${currency.name} ${externalId}`).digest("hex").slice(0, 40)}`;
}

/** The body of the callback that the transaction brings about. */
export function notification(invoice: Invoice, trigger: Transaction): Record<string, unknown> {
  const paid = paidCents(invoice);
  const status = statusOf(invoice);
  return {
    external_id: invoice.externalId,
    crypto: invoice.currency.name,
    addr: invoice.wallet,
    fiat: invoice.fiat,
    balance_fiat: money(paid),
    balance_crypto: inCrypto(paid, invoice.currency),
    paid: status === "PAID" || status === "OVERPAID",
    status,
    transactions: invoice.transactions.map((transaction) => ({
      txid: transaction.txid,
      date: transaction.date,
      amount_crypto: inCrypto(transaction.amountFiat, invoice.currency),
      amount_fiat: money(transaction.amountFiat),
      trigger: transaction.txid === trigger.txid,
      crypto: transaction.crypto,
    })),
    fee_percent: "0",
    overpaid_fiat: money(Math.max(0, paid - invoice.cents)),
  };
}
