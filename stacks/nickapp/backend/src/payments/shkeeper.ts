import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { DealDocument } from "../deals/fold-deal.ts";
import { unavailable } from "../platform/http-error.ts";
import { log } from "../platform/log.ts";
import type { Settings } from "../platform/settings.ts";

const invoice = z.object({
  status: z.literal("success"),
  wallet: z.string(),
  amount: z.union([z.string(), z.number()]),
});

/** Asks the gateway where to pay for a deal; asking again gives the same invoice, because it is kept by the deal's id. */
export async function requestInvoice(settings: Settings, deal: DealDocument) {
  const { SHKEEPER_URL, SHKEEPER_API_KEY, SHKEEPER_CRYPTO: crypto } = settings;
  if (!SHKEEPER_URL || !SHKEEPER_API_KEY) throw unavailable("paying");
  try {
    const response = await fetch(`${SHKEEPER_URL}/api/v1/${crypto}/payment_request`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-shkeeper-api-key": SHKEEPER_API_KEY },
      body: JSON.stringify({
        external_id: deal._id,
        fiat: "USD",
        amount: (deal.cents / 100).toFixed(2),
        callback_url: `${settings.CALLBACK_URL ?? settings.PUBLIC_URL}/api/payments/shkeeper`,
      }),
      signal: AbortSignal.timeout(8_000),
    });
    if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
    const { wallet, amount } = invoice.parse(await response.json());
    return { deal: deal._id, crypto, wallet, amount: String(amount), cents: deal.cents };
  } catch (error) {
    log("payments.unavailable", { message: error instanceof Error ? error.message : String(error) });
    throw unavailable("paying");
  }
}

const toleranceSeconds = 15 * 60;

/** The gateway's signature over time and body. The time bounds how long a recorded callback could be sent again. */
export function isSigned(
  { timestamp, signature, body }: { timestamp: string; signature: string; body: Buffer },
  secret: string,
  nowSeconds = Date.now() / 1000,
): boolean {
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowSeconds - Number(timestamp)) > toleranceSeconds)
    return false;
  const expected = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest();
  const given = Buffer.from(signature, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const money = z.union([z.string(), z.number()]).transform((value, context) => {
  const [, whole, part = ""] = /^(\d{1,12})(?:\.(\d+))?$/.exec(String(value)) ?? [];
  if (whole === undefined) {
    context.addIssue({ code: "custom", message: "not an amount" });
    return z.NEVER;
  }
  return Number(whole) * 100 + Number(part.padEnd(2, "0").slice(0, 2));
});

/** Every callback lists all transfers so far, so order and repetition of callbacks carry no meaning. */
export const callbackSchema = z.object({
  external_id: z.string().min(1).max(100),
  fiat: z.literal("USD"),
  transactions: z.array(z.object({ txid: z.string().min(1).max(200), amount_fiat: money })).max(200),
});
