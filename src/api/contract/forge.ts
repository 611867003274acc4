import { z } from "zod";
import { sourceName } from "./delivery.ts";
import { endpoint, list, name } from "./endpoint.ts";

/** The shapes of src/delivery/webhook.ts and preview.ts. */
const kind = z.enum(["github", "gitea", "forgejo", "plain"]);

export const webhookSchema = z
  .object({
    source: z.string(),
    kind,
    name: z.string(),
    createdAt: z.number(),
    services: list(z.string()),
    urlToken: z.boolean(),
    /** Below the address of the API. */
    path: z.string(),
  })
  .meta({ id: "Webhook" });
export type WebhookView = z.output<typeof webhookSchema>;

export const previewSchema = z
  .object({
    source: z.string(),
    name: z.string(),
    ref: z.string(),
    commit: z.string(),
    title: z.string(),
    fork: z.boolean(),
    openedAt: z.number(),
    expiresAt: z.number(),
    run: z.string().exactOptional(),
    closing: z.string().exactOptional(),
    urls: list(z.string()),
  })
  .meta({ id: "Preview" });
export type PreviewView = z.output<typeof previewSchema>;

const bySource = z.object({ source: sourceName });
const reason = z.string().max(1000).default("");

export const forgeEndpoints = {
  webhooks: endpoint({
    method: "GET",
    path: "/sources/:source/webhooks",
    needs: "develop",
    on: "source",
    summary: "Webhooks of a source, without their secrets.",
    params: bySource,
    response: z.object({ webhooks: list(webhookSchema) }),
  }),
  createWebhook: endpoint({
    method: "POST",
    path: "/sources/:source/webhooks",
    needs: "operate",
    on: "source",
    summary: "Makes a webhook, or gives one a new secret, which is answered this once.",
    params: bySource,
    body: z.object({
      kind,
      services: z.array(name).max(20).default([]),
      urlToken: z.boolean().default(false),
      reason,
    }),
    status: 201,
    response: z.object({ webhook: webhookSchema, secret: z.string() }),
  }),
  removeWebhook: endpoint({
    method: "DELETE",
    path: "/sources/:source/webhooks/:kind/:name",
    needs: "operate",
    on: "source",
    summary: "Removes a webhook: its secret is worth nothing from now on.",
    params: bySource.extend({ kind, name: z.string().min(1).max(201) }),
    response: z.object({ webhooks: list(webhookSchema) }),
  }),
  saveSecret: endpoint({
    method: "POST",
    path: "/sources/:source/secrets",
    needs: "operate",
    on: "source",
    summary: "Stores a deploy key or token of a source, encrypted; nothing answers it again.",
    params: bySource,
    body: z.object({
      name: z.enum(["deploy-key", "fetch-token", "status-token"]),
      value: z.string().min(1).max(20_000),
      reason,
    }),
    response: z.object({ saved: z.string() }),
  }),
  previews: endpoint({
    method: "GET",
    path: "/previews",
    needs: "read",
    on: "anywhere",
    summary: "Previews with their addresses.",
    query: z.object({ source: sourceName.exactOptional() }),
    response: z.object({ previews: list(previewSchema) }),
  }),
  startPreview: endpoint({
    method: "POST",
    path: "/sources/:source/previews",
    needs: "develop",
    on: "source",
    summary: "Brings a branch, tag or commit up as a preview; fetched first when the source has a URL.",
    params: bySource,
    body: z.object({ ref: z.string().min(1).max(300), reason }),
    status: 202,
    response: z.object({ run: z.string(), name: z.string() }),
  }),
  stopPreview: endpoint({
    method: "DELETE",
    path: "/sources/:source/previews/:name",
    needs: "develop",
    on: "source",
    summary: "Takes a preview down with its volumes.",
    params: bySource.extend({ name }),
    status: 202,
    response: z.object({ closing: z.string() }),
  }),
};
