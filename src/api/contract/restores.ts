import { z } from "zod";
import { endpoint, list, name, scopeParams } from "./endpoint.ts";

const checks = list(z.object({ check: z.string(), ok: z.boolean(), detail: z.string() }));

const restoreView = z
  .object({
    id: z.string(),
    scope: scopeParams,
    /** Where the data comes from. */
    origin: scopeParams,
    kind: z.enum(["restore", "undo"]),
    of: z.string().exactOptional(),
    state: z.enum(["queued", "running", "done", "failed"]),
    phase: z.enum(["build", "safety", "switch"]),
    items: list(
      z.object({
        source: z.string(),
        kind: z.string(),
        from: z.union([
          z.object({ kind: z.literal("backup"), backup: z.string(), takenAt: z.number() }),
          z.object({
            kind: z.literal("point"),
            base: z.string(),
            at: z.number().exactOptional(),
            name: z.string().exactOptional(),
          }),
        ]),
        services: list(z.string()),
        mounts: z.record(z.string(), z.string()),
        rows: z.number().exactOptional(),
        checks: checks.exactOptional(),
        /** The last moment that the new data shows. */
        shows: z.number().exactOptional(),
      }),
    ),
    requestedBy: z.string(),
    reason: z.string(),
    createdAt: z.number(),
    builtAt: z.number().exactOptional(),
    switchedAt: z.number().exactOptional(),
    finishedAt: z.number().exactOptional(),
    /** Backup of what served until the switch. */
    safety: z.string().exactOptional(),
    deployment: z.string().exactOptional(),
    releasedAt: z.number().exactOptional(),
    undoneBy: z.string().exactOptional(),
    notes: list(z.string()),
    failure: z
      .object({ code: z.string(), message: z.string(), hint: z.string().exactOptional() })
      .exactOptional(),
  })
  .meta({ id: "Restore" });
export type RestoreView = z.output<typeof restoreView>;

const recoverable = z
  .object({
    source: z.string(),
    earliest: z.number().exactOptional(),
    latest: z.number().exactOptional(),
    points: list(z.object({ name: z.string(), at: z.number() })),
    logBytes: z.number(),
    heardAt: z.number().exactOptional(),
    problem: z.string().exactOptional(),
  })
  .meta({ id: "RecoverablePoints" });
export type RecoverableView = z.output<typeof recoverable>;

const moment = z.number().int().min(0);
const wish = z.object({
  what: z.string().max(200).exactOptional(),
  snapshot: z.string().max(200).exactOptional(),
  date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "a day as 2026-11-20")
    .exactOptional(),
  at: moment.exactOptional(),
  point: z.string().max(63).exactOptional(),
  fromBackup: z.boolean().exactOptional(),
  as: name.exactOptional(),
  /** Statements that are run in every new database before anybody may use it. */
  mask: z.string().max(1_000_000).exactOptional(),
  noSafety: z.boolean().exactOptional(),
  acceptSuspect: z.boolean().exactOptional(),
});
const reason = z.string().max(1000).default("");
const one = z.object({ id: z.string().max(100) });
const byReason = z.object({ reason }).default({ reason: "" });

export const restoreEndpoints = {
  list: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/restores",
    needs: "read",
    summary: "Restores of an environment, the newest first.",
    params: scopeParams,
    response: z.object({ restores: list(restoreView) }),
  }),
  points: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/points",
    needs: "read",
    summary: "The earliest and the latest moment that each database can be brought back to.",
    params: scopeParams,
    response: z.object({ sources: list(recoverable) }),
  }),
  foresee: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/restores/foresee",
    needs: "read",
    summary: "What a restore would bring back and which services it would restart; changes nothing.",
    params: scopeParams,
    body: wish,
    response: restoreView.pick({ scope: true, origin: true, items: true }),
  }),
  begin: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/restores",
    needs: "operate",
    summary: "Restores into new volumes, proves them, and switches the services over.",
    params: scopeParams,
    body: wish.extend({ reason }),
    status: 202,
    response: restoreView,
  }),
  show: endpoint({
    method: "GET",
    path: "/restores/:id",
    needs: "read",
    on: "anywhere",
    summary: "One restore: how far it is, what came back, and what it took.",
    params: one,
    response: restoreView,
  }),
  undo: endpoint({
    method: "POST",
    path: "/restores/:id/undo",
    needs: "operate",
    on: "anywhere",
    summary: "Brings back the volumes that served before a restore.",
    params: one,
    body: byReason,
    status: 202,
    response: restoreView,
  }),
  release: endpoint({
    method: "POST",
    path: "/restores/:id/release",
    needs: "operate",
    on: "anywhere",
    summary: "Removes the volumes that a restore has left unused: it cannot be undone any more.",
    params: one,
    body: byReason,
    response: restoreView,
  }),
};
