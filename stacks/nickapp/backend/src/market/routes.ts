import { randomUUID } from "node:crypto";
import { Router } from "express";
import { z } from "zod";
import { personIn, requirePerson } from "../auth/require-person.ts";
import { insertOnce } from "../platform/database.ts";
import { conflict, forbidden, HttpError, notFound } from "../platform/http-error.ts";
import type { Parts } from "../platform/parts.ts";

const cents = z.number().int().min(100).max(100_000_000);
const purchase = z.object({
  title: z.string().trim().min(3).max(120),
  description: z.string().trim().max(4000).default(""),
  budgetCents: cents,
  image: z.string().max(100).nullable().default(null),
});
const bid = z.object({ cents, note: z.string().trim().max(1000).default("") });
const page = { title: 1, description: 1, budgetCents: 1, image: 1, buyer: 1, createdAt: 1 } as const;

/** What people want to buy, and what others offer. Reading is public. */
export function marketRoutes(parts: Parts): Router {
  const { database } = parts;
  const router = Router();
  const signedIn = requirePerson(parts);

  router.get("/requests", async (_request, response) => {
    const requests = await database.requests
      .find({}, { projection: page })
      .sort({ createdAt: -1 })
      .limit(50)
      .toArray();
    response.json({ requests });
  });

  router.get("/requests/:id", async (request, response) => {
    const found = await database.requests.findOne({ _id: request.params.id });
    if (!found) throw notFound("request");
    const offers = await database.offers.find({ request: found._id }).limit(100).toArray();
    const deal = await database.deals.findOne({ _id: found._id });
    response.json({ ...found, offers, dealt: deal !== null });
  });

  router.post("/requests", signedIn, async (request, response) => {
    const wanted = purchase.parse(request.body);
    if (wanted.image !== null) {
      const image = await database.files.findOne({ _id: wanted.image, kind: "products" });
      if (image?.owner !== personIn(request).id)
        throw new HttpError(400, "NO_IMAGE", "no such image of yours");
    }
    const document = { _id: randomUUID(), buyer: personIn(request).id, ...wanted, createdAt: new Date() };
    await database.requests.insertOne(document);
    response.status(201).json(document);
  });

  router.post("/requests/:id/offers", signedIn, async (request, response) => {
    const given = bid.parse(request.body);
    const { id, name } = personIn(request);
    const wanted = await database.requests.findOne({ _id: String(request.params["id"]) });
    if (!wanted) throw notFound("request");
    if (wanted.buyer === id) throw forbidden();
    const offer = {
      _id: randomUUID(),
      request: wanted._id,
      seller: id,
      sellerName: name,
      ...given,
      createdAt: new Date(),
    };
    await database.offers.insertOne(offer);
    response.status(201).json(offer);
  });

  router.post("/offers/:id/accept", signedIn, async (request, response) => {
    const { id, name } = personIn(request);
    const offer = await database.offers.findOne({ _id: String(request.params["id"]) });
    const wanted = offer && (await database.requests.findOne({ _id: offer.request }));
    if (!offer || !wanted) throw notFound("offer");
    if (wanted.buyer !== id) throw forbidden();
    const deal = {
      _id: wanted._id,
      title: wanted.title,
      buyer: id,
      buyerName: name,
      seller: offer.seller,
      sellerName: offer.sellerName,
      cents: offer.cents,
      createdAt: new Date(),
    };
    if (!(await insertOnce(database.deals, deal))) throw conflict("this request has a deal already");
    response.status(201).json(deal);
  });

  return router;
}
