import { Router } from "express";
import { z } from "zod";
import { personIn } from "../auth/require-person.ts";
import { requestInvoice } from "../payments/shkeeper.ts";
import { forbidden } from "../platform/http-error.ts";
import type { Parts } from "../platform/parts.ts";
import { append, balanceOf, type DealView, dealFor } from "./journal.ts";

const reason = z.object({ reason: z.string().trim().min(3).max(1000) });
const decision = z.object({ outcome: z.enum(["release", "refund"]) });

/** Everything here needs a signed-in person. */
export function dealRoutes(parts: Parts): Router {
  const { database } = parts;
  const router = Router();
  const opened = (id: string, request: Parameters<typeof personIn>[0]) =>
    dealFor(database, id, personIn(request));

  router.get("/", async (request, response) => {
    const { id, role } = personIn(request);
    if (role === "arbiter") {
      const disputes = await database.dealEvents
        .find({ kind: "disputed" })
        .sort({ at: -1 })
        .limit(50)
        .toArray();
      const deals = await database.deals
        .find({ _id: { $in: disputes.map((event) => event.deal) } })
        .toArray();
      response.json({ deals, balanceCents: 0 });
      return;
    }
    const deals = await database.deals
      .find({ $or: [{ buyer: id }, { seller: id }] })
      .sort({ createdAt: -1 })
      .limit(50)
      .toArray();
    response.json({ deals, balanceCents: await balanceOf(database, id) });
  });

  router.get("/:id", async (request, response) => {
    response.json(await presented(parts, await opened(request.params.id, request)));
  });

  router.post("/:id/pay", async (request, response) => {
    const view = await opened(request.params.id, request);
    if (personIn(request).id !== view.deal.buyer) throw forbidden();
    response.status(201).json(await requestInvoice(parts.settings, view.deal));
  });

  router.post("/:id/release", async (request, response) => {
    const view = await opened(request.params.id, request);
    const person = personIn(request);
    if (person.id !== view.deal.buyer) throw forbidden();
    const { seller: beneficiary, cents } = view.deal;
    const after = await append(database, view, { kind: "released", by: person.id, beneficiary, cents });
    await announce(parts, after, `The buyer released the money for “${view.deal.title}”.`);
    response.json(await presented(parts, after));
  });

  router.post("/:id/dispute", async (request, response) => {
    const given = reason.parse(request.body);
    const view = await opened(request.params.id, request);
    const person = personIn(request);
    if (person.id !== view.deal.buyer && person.id !== view.deal.seller) throw forbidden();
    const after = await append(database, view, { kind: "disputed", by: person.id, reason: given.reason });
    await announce(parts, after, `A dispute was opened about “${view.deal.title}”.`);
    response.status(201).json(await presented(parts, after));
  });

  router.post("/:id/decide", async (request, response) => {
    const { outcome } = decision.parse(request.body);
    const person = personIn(request);
    if (person.role !== "arbiter") throw forbidden();
    const view = await opened(request.params.id, request);
    const beneficiary = outcome === "release" ? view.deal.seller : view.deal.buyer;
    const { cents } = view.deal;
    const after = await append(database, view, {
      kind: "decided",
      by: person.id,
      beneficiary,
      cents,
      reason: outcome,
    });
    await announce(parts, after, `The dispute about “${view.deal.title}” was decided: ${outcome}.`);
    response.json(await presented(parts, after));
  });

  router.get("/:id/messages", async (request, response) => {
    const view = await opened(request.params.id, request);
    const since = z.coerce.date().optional().parse(request.query["since"]);
    const messages = await database.messages
      .find({ deal: view.deal._id, ...(since ? { sentAt: { $gte: since } } : {}) })
      .sort({ sentAt: 1 })
      .limit(500)
      .toArray();
    response.json({ messages });
  });

  return router;
}

/** Tells open pages at once and the parties by mail; neither may stop what has happened already. */
export async function announce(parts: Parts, view: DealView, text: string): Promise<void> {
  const { deal, state } = view;
  parts.chat.tell(deal._id, "deal", { deal: deal._id, state });
  const users = await parts.database.users.find({ _id: { $in: [deal.buyer, deal.seller] } }).toArray();
  for (const { email } of users)
    parts.mailer.send({
      to: email,
      subject: `nickapp: ${deal.title}`,
      text: `${text}\n\n${parts.settings.PUBLIC_URL}/deals/${deal._id}`,
    });
}

async function presented({ database }: Parts, { deal, events, state }: DealView) {
  const files = await database.files.find({ deal: deal._id }).sort({ createdAt: 1 }).limit(50).toArray();
  const transfers = await database.transfers.find({ deal: deal._id }).limit(200).toArray();
  return {
    ...deal,
    state,
    events,
    paidCents: transfers.reduce((sum, { cents }) => sum + cents, 0),
    files: files.map(({ _id, kind, type, bytes, owner }) => ({ id: _id, kind, type, bytes, owner })),
  };
}
