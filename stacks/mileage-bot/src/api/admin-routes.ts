import { Router } from "express";
import { z } from "zod";
import { type GuildConfigs, guildSettingsSchema } from "../guild-config.ts";
import { changeEntrySchema, idempotencyKeySchema, newEntrySchema } from "../mileage/entry.ts";
import type { EntryStore } from "../mileage/entry-store.ts";
import type { Recorder } from "../mileage/recorder.ts";
import { writeCsv } from "./entries-csv.ts";
import { guildOf, sessionOf } from "./guards.ts";
import { Problem } from "./problem.ts";

export type AdminParts = { configs: GuildConfigs; entries: EntryStore; recorder: Recorder };

const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(25),
  before: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
});
const saveSchema = z.strictObject({ version: z.number().int(), settings: guildSettingsSchema });
const entryIdSchema = z.string().regex(/^\d{1,18}$/, "must be an entry's id");

/** What the dashboard works with; every route below a guild asks whether this session administers it. */
export function adminRoutes({ configs, entries, recorder }: AdminParts): Router {
  const router = Router();

  router.get("/me", (_request, response) => {
    const { userId, userName } = sessionOf(response);
    response.json({ userId, userName });
  });
  router.get("/guilds", async (_request, response) => {
    response.json({ guilds: await configs.listOf(sessionOf(response).guildIds) });
  });
  router.get("/queue", (_request, response) => {
    response.json(recorder.view());
  });
  router.post("/queue/retry", (_request, response) => {
    recorder.retry();
    response.status(202).json(recorder.view());
  });

  router.get("/guilds/:guildId/config", async (request, response) => {
    const config = await configs.find(guildOf(request, response));
    if (!config) throw new Problem(404, "UNKNOWN_GUILD", "the bot is not in this server");
    response.json(config);
  });
  router.put("/guilds/:guildId/config", async (request, response) => {
    const guildId = guildOf(request, response);
    const { version, settings } = saveSchema.parse(request.body);
    const saved = await configs.save(guildId, settings, version, sessionOf(response).userName);
    if (!saved)
      throw new Problem(409, "CHANGED_MEANWHILE", "somebody else has saved meanwhile; reload first");
    response.json(saved);
  });

  router.get("/guilds/:guildId/entries", async (request, response) => {
    const { limit, before } = pageSchema.parse(request.query);
    const list = await entries.list(guildOf(request, response), limit, before);
    response.json({ entries: list, ...(list.length === limit ? { before: list.at(-1)?.id } : {}) });
  });
  router.get("/guilds/:guildId/entries.csv", async (request, response) => {
    await writeCsv(response, entries, guildOf(request, response));
  });
  router.post("/guilds/:guildId/entries", async (request, response) => {
    const guildId = guildOf(request, response);
    const outcome = await recorder.record({
      ...newEntrySchema.parse(request.body),
      guildId,
      source: "api",
      idempotencyKey: idempotencyKeySchema.parse(request.headers["idempotency-key"]),
      acceptedAt: new Date().toISOString(),
    });
    if (outcome.kind === "key-taken")
      throw new Problem(409, "IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key belongs to another entry");
    if (outcome.kind === "full")
      throw new Problem(503, "QUEUE_FULL", "the database is away and the queue is full");
    if (outcome.kind === "queued") return response.status(202).json({ state: "queued" });
    response.status(outcome.repeated ? 200 : 201).json({ state: "stored", entry: outcome.entry });
  });
  router.patch("/guilds/:guildId/entries/:entryId", async (request, response) => {
    const guildId = guildOf(request, response);
    const change = changeEntrySchema.parse(request.body);
    const id = entryIdSchema.parse(request.params["entryId"]);
    const entry = await entries.change(guildId, id, change, sessionOf(response).userName);
    if (!entry) throw new Problem(404, "UNKNOWN_ENTRY", "there is no such entry");
    response.json(entry);
  });
  return router;
}
