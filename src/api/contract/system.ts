import { z } from "zod";
import { grantSchema } from "./access.ts";
import { count, endpoint, list } from "./endpoint.ts";
import { scopeSchema, serviceStatusSchema } from "./models.ts";

const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: z.number(),
  lastUsedAt: z.number().exactOptional(),
  /** Absent: everything, everywhere. */
  grants: list(grantSchema).exactOptional(),
  expiresAt: z.number().exactOptional(),
  /** Id of the user who made it. */
  owner: z.string().exactOptional(),
});
export type TokenView = z.output<typeof tokenSchema>;

const auditEntrySchema = z.object({
  seq: z.number().int(),
  at: z.number(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
});
export type AuditEntryView = z.output<typeof auditEntrySchema>;

export const systemEndpoints = {
  health: endpoint({
    method: "GET",
    path: "/health",
    summary: "Whether the control plane works; the only endpoint without a token.",
    anonymous: true,
    response: z.object({
      status: z.literal("ok"),
      version: z.string(),
      runtime: z.string(),
      edge: z.string(),
    }),
  }),
  healthAll: endpoint({
    method: "GET",
    path: "/health/all",
    needs: "read",
    on: "anywhere",
    summary: "One line per service of every stack; `ok` only if all are as they should be.",
    response: z.object({
      ok: z.boolean(),
      services: list(
        z.object({
          scope: scopeSchema,
          service: z.string(),
          ok: z.boolean(),
          state: serviceStatusSchema.shape.state,
          message: z.string().exactOptional(),
          ready: z.number().int(),
          wanted: z.number().int(),
        }),
      ),
    }),
  }),
  healthUrls: endpoint({
    method: "GET",
    path: "/health/urls",
    needs: "read",
    on: "anywhere",
    summary: "Every public address of every stack, asked now through the edge as a visitor would.",
    response: z.object({
      ok: z.boolean(),
      urls: list(
        z.object({
          scope: scopeSchema,
          service: z.string(),
          url: z.string(),
          ok: z.boolean(),
          /** Absent: no answer. */
          status: z.number().int().exactOptional(),
          ms: z.number(),
          reason: z.string().exactOptional(),
        }),
      ),
    }),
  }),
  version: endpoint({
    method: "GET",
    path: "/version",
    needs: "self",
    summary: "Versions of the control plane, its API and its Node.",
    response: z.object({ version: z.string(), api: z.literal("v1"), node: z.string() }),
  }),
  openapi: endpoint({
    method: "GET",
    path: "/openapi.json",
    needs: "self",
    summary: "This document.",
    response: z.record(z.string(), z.unknown()),
  }),
  audit: endpoint({
    method: "GET",
    path: "/audit",
    needs: "administer",
    summary: "Who changed what, newest first.",
    query: z.object({
      limit: count({ min: 1, max: 1000 }).default(100),
      /** Only entries with a lower `seq`: the next page. */
      before: count({ min: 1, max: Number.MAX_SAFE_INTEGER }).exactOptional(),
    }),
    response: z.object({ entries: list(auditEntrySchema) }),
  }),
  verifyAudit: endpoint({
    method: "GET",
    path: "/audit/verify",
    needs: "administer",
    summary: "Recomputes the chain of the audit trail.",
    response: z.object({ ok: z.boolean(), firstBroken: auditEntrySchema.exactOptional() }),
  }),
  tokens: endpoint({
    method: "GET",
    path: "/tokens",
    needs: "self",
    summary: "API tokens, without their secrets: one's own, for administrators all.",
    response: z.object({ tokens: list(tokenSchema) }),
  }),
  createToken: endpoint({
    method: "POST",
    path: "/tokens",
    needs: "self",
    summary: "Makes a token. Its secret is in this answer and nowhere else.",
    body: z.object({
      name: z.string().trim().min(1).max(100),
      /** What it may do, at most what its maker may. Absent: what its maker may. */
      grants: z.array(grantSchema).min(1).max(50).exactOptional(),
      /** Epoch ms. */
      expiresAt: z.number().int().positive().exactOptional(),
    }),
    status: 201,
    response: tokenSchema.extend({ secret: z.string() }),
  }),
  removeToken: endpoint({
    method: "DELETE",
    path: "/tokens/:id",
    needs: "self",
    summary: "Revokes a token at once.",
    params: z.object({ id: z.string().min(1).max(100) }),
    response: z.object({ removed: z.literal(true) }),
  }),
};
