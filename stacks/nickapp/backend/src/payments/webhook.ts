import { type Request, Router, raw } from "express";
import { append, readDeal } from "../deals/journal.ts";
import { announce } from "../deals/routes.ts";
import { insertOnce } from "../platform/database.ts";
import { HttpError, unauthorized, unavailable } from "../platform/http-error.ts";
import { log } from "../platform/log.ts";
import type { Parts } from "../platform/parts.ts";
import { callbackSchema, isSigned } from "./shkeeper.ts";

/** Where the payment gateway reports transfers. It repeats a report until it is answered with 202. */
export function webhookRoutes(parts: Parts): Router {
  const router = Router();
  router.post("/shkeeper", raw({ type: () => true, limit: "256kb" }), async (request, response) => {
    const callback = callbackSchema.parse(JSON.parse(verifiedBody(request, parts).toString("utf8")));
    for (const { txid, amount_fiat } of callback.transactions) {
      const isNew = await insertOnce(parts.database.transfers, {
        _id: `${callback.external_id}:${txid}`,
        deal: callback.external_id,
        txid,
        cents: amount_fiat,
        receivedAt: new Date(),
      });
      if (isNew) log("payments.transfer", { deal: callback.external_id, cents: amount_fiat });
    }
    await fundIfPaid(parts, callback.external_id);
    response.status(202).json({ status: "accepted" });
  });
  return router;
}

function verifiedBody(request: Request, { settings }: Parts): Buffer {
  const secret = settings.SHKEEPER_WEBHOOK_SECRET;
  if (!secret) throw unavailable("paying");
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const timestamp = request.get("x-shkeeper-timestamp") ?? "";
  const signature = request.get("x-shkeeper-signature") ?? "";
  if (!isSigned({ timestamp, signature, body }, secret))
    throw unauthorized("the signature is wrong or too old");
  return body;
}

/** Safe to run at any time and twice at once: the deal's journal takes `funded` only once. */
async function fundIfPaid(parts: Parts, deal: string): Promise<void> {
  const view = await readDeal(parts.database, deal);
  if (view.state !== "awaiting-payment") return;
  const transfers = await parts.database.transfers.find({ deal }).toArray();
  const paid = transfers.reduce((sum, { cents }) => sum + cents, 0);
  if (paid < view.deal.cents) {
    parts.chat.tell(deal, "deal", { deal, state: view.state });
    return;
  }
  try {
    const after = await append(parts.database, view, { kind: "funded", by: "gateway", cents: paid });
    await announce(parts, after, `The money for “${view.deal.title}” is in escrow.`);
  } catch (error) {
    // Another replica took the same report in the same moment.
    if (!(error instanceof HttpError) || error.status !== 409) throw error;
  }
}
