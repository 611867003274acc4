import { join } from "node:path";
import { type Request, Router } from "express";
import { z } from "zod";
import { type Person } from "../auth/access-tokens.ts";
import { personIn, personOf, requirePerson } from "../auth/require-person.ts";
import { dealFor } from "../deals/journal.ts";
import type { StoredFile } from "../platform/database.ts";
import { conflict, forbidden, HttpError, notFound } from "../platform/http-error.ts";
import type { Parts } from "../platform/parts.ts";
import { enforce } from "../platform/rate-limit.ts";
import { mostBytes, receiveFile } from "./receive-file.ts";
import { SignedLinks } from "./signed-links.ts";

const images = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const kinds: Record<StoredFile["kind"], { folder: string; types: readonly string[] }> = {
  avatars: { folder: "public/avatars", types: images },
  products: { folder: "public/products", types: images },
  evidence: { folder: "private/evidence", types: [...images, "application/pdf"] },
  documents: { folder: "private/documents", types: [...images, "application/pdf"] },
};
const kindSchema = z.enum(["avatars", "products", "evidence", "documents"]);

/** The body of the request is the file. What lies below `public` the edge serves; the rest goes through here. */
export function uploadRoutes(parts: Parts): Router {
  const { database, settings, redis } = parts;
  const router = Router();
  const links = new SignedLinks(settings.JWT_SECRET);
  const limit = { name: "upload", most: 60, windowMs: 60_000 };

  router.post("/uploads/:kind", requirePerson(parts), async (request, response) => {
    const kind = kindSchema.parse(request.params["kind"]);
    const person = personIn(request);
    response.set(await enforce(redis, limit, person.id));
    const deal = await dealOf(parts, request, { kind, person });
    if (Number(request.get("content-length") ?? 0) > mostBytes)
      throw new HttpError(413, "TOO_LARGE", "a file has at most 10 MB", { connection: "close" });
    const declared = (request.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
    const file = await receiveFile(request, { root: settings.UPLOADS_DIR, declared, ...kinds[kind] });
    const { id: _id, type, bytes, path } = file;
    await database.files.insertOne({
      _id,
      kind,
      owner: person.id,
      deal,
      type,
      bytes,
      path,
      createdAt: new Date(),
    });
    const url = path.startsWith("public/") ? `/uploads/${path.slice("public/".length)}` : null;
    if (kind === "avatars") await database.users.updateOne({ _id: person.id }, { $set: { avatar: url } });
    if (deal) parts.chat.tell(deal, "file", { deal, id: _id, kind });
    response.status(201).json({ id: _id, type, bytes, url });
  });

  router.get("/files/:id/link", requirePerson(parts), async (request, response) => {
    const file = await fileFor(parts, String(request.params["id"]), personIn(request));
    response.json({ url: links.make(file._id) });
  });

  router.get("/files/:id", async (request, response) => {
    const { id } = request.params;
    const { until, signature } = request.query;
    const signed =
      typeof until === "string" && typeof signature === "string" && links.isValid(id, until, signature);
    const file = signed
      ? await database.files.findOne({ _id: id })
      : await fileFor(parts, id, await anyone(parts, request));
    if (!file) throw notFound("file");
    response.set({
      "content-type": file.type,
      "content-disposition": "inline",
      "cache-control": "private, no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
    });
    response.sendFile(join(settings.UPLOADS_DIR, file.path), { dotfiles: "allow" });
  });

  return router;
}

async function anyone(parts: Parts, request: Request): Promise<Person | undefined> {
  return personOf(/^Bearer (.+)$/.exec(request.get("authorization") ?? "")?.[1], parts);
}

/** Without permission it says 403 for every id alike, so that ids cannot be tried out. */
async function fileFor({ database }: Parts, id: string, person: Person | undefined): Promise<StoredFile> {
  const file = await database.files.findOne({ _id: id });
  if (!file || !person) throw forbidden();
  if (file.owner === person.id || file.path.startsWith("public/")) return file;
  if (!file.deal) throw forbidden();
  await dealFor(database, file.deal, person);
  return file;
}

async function dealOf(
  { database }: Parts,
  request: Request,
  { kind, person }: { kind: StoredFile["kind"]; person: Person },
): Promise<string | null> {
  if (kind === "avatars" || kind === "products") return null;
  const view = await dealFor(database, z.string().max(100).parse(request.query["deal"]), person);
  if (kind === "evidence" && view.state !== "disputed") throw conflict("evidence belongs to an open dispute");
  return view.deal._id;
}
