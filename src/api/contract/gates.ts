import { z } from "zod";
import { runSchema } from "./delivery.ts";
import { endpoint, list, name, scopeParams } from "./endpoint.ts";

/** The shape of src/delivery/freeze.ts. */
export const freezeSchema = z
  .object({
    id: z.string(),
    stack: z.string().exactOptional(),
    environment: z.string().exactOptional(),
    until: z.number().exactOptional(),
    reason: z.string(),
    by: z.string(),
    at: z.number(),
  })
  .meta({ id: "Freeze" });
export type FreezeView = z.output<typeof freezeSchema>;

/** One line of a scan: the text names the place, never the secret. */
export const scanSchema = z
  .object({
    run: z.string(),
    commit: z.string(),
    at: z.number(),
    findings: list(
      z.object({
        kind: z.enum(["secret", "file", "vulnerability", "size", "migration"]),
        verdict: z.enum(["blocked", "warning", "waived"]),
        text: z.string(),
        note: z.string().exactOptional(),
      }),
    ),
    notes: list(z.string()),
    images: list(z.object({ service: z.string(), digest: z.string(), bytes: z.number() })),
  })
  .meta({ id: "Scan" });
export type ScanView = z.output<typeof scanSchema>;

export const smokeSchema = z
  .object({
    release: z.number().int(),
    ok: z.boolean(),
    checks: list(
      z.object({
        service: z.string(),
        request: z.string(),
        expected: z.number().int(),
        status: z.number().int().exactOptional(),
        durationMs: z.number(),
        ok: z.boolean(),
        message: z.string().exactOptional(),
      }),
    ),
  })
  .meta({ id: "Smoke" });
export type SmokeView = z.output<typeof smokeSchema>;

export const timelineSchema = z
  .object({
    run: z.string(),
    rows: list(
      z.object({
        step: z.string(),
        plannedAt: z.number().exactOptional(),
        plannedFor: z.number().exactOptional(),
        actualAt: z.number().exactOptional(),
        actualFor: z.number().exactOptional(),
        state: z.enum(["done", "running", "pending", "skipped", "failed"]),
      }),
    ),
  })
  .meta({ id: "Timeline" });
export type TimelineView = z.output<typeof timelineSchema>;

const byRun = z.object({ id: z.string().min(1).max(100) });

export const gateEndpoints = {
  freezes: endpoint({
    method: "GET",
    path: "/freezes",
    needs: "read",
    on: "anywhere",
    summary: "Stacks and environments that nothing is rolled out in, until when and why.",
    response: z.object({ freezes: list(freezeSchema) }),
  }),
  freeze: endpoint({
    method: "POST",
    path: "/freezes",
    needs: "operate",
    on: "anywhere",
    summary: "Nothing is rolled out there by runs and auto-update until it ends or is taken off.",
    body: z.object({
      stack: name.exactOptional(),
      environment: name.exactOptional(),
      /** Epoch ms. */
      until: z.number().int().positive().exactOptional(),
      reason: z.string().min(1).max(1000),
    }),
    status: 201,
    response: freezeSchema,
  }),
  unfreeze: endpoint({
    method: "DELETE",
    path: "/freezes/:id",
    needs: "operate",
    on: "freeze",
    summary: "Takes a freeze off; what waited for it goes on.",
    params: byRun,
    response: freezeSchema,
  }),
  override: endpoint({
    method: "POST",
    path: "/runs/:id/override",
    needs: "operate",
    on: "run",
    summary: "Lets a run go on although its environment is frozen or outside its windows.",
    params: byRun,
    body: z.object({ reason: z.string().min(1).max(1000) }),
    response: runSchema,
  }),
  timeline: endpoint({
    method: "GET",
    path: "/runs/:id/timeline",
    needs: "read",
    on: "run",
    summary: "The ten steps of a run from merge to the end of its rollback window, planned and actual.",
    params: byRun,
    response: timelineSchema,
  }),
  scan: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/scan",
    needs: "read",
    summary: "What the last scan of the stack's repository and images found.",
    params: scopeParams,
    response: scanSchema,
  }),
  smoke: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/smoke",
    needs: "develop",
    summary: "Asks the smoke checks of what serves now, through the edge.",
    params: scopeParams,
    response: smokeSchema,
  }),
};
