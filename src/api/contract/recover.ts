import { z } from "zod";
import { endpoint, list, scopeParams } from "./endpoint.ts";

const missingCopy = z.object({
  scope: z.string(),
  number: z.number().int(),
  service: z.string(),
  reference: z.string(),
  digest: z.string(),
  why: z.string(),
});

const stateCopy = z.object({
  repository: z.string(),
  at: z.number(),
  verdict: z.enum(["verified", "failed"]),
  reasons: list(z.string()),
  snapshot: z.string().exactOptional(),
  sizeBytes: z.number().exactOptional(),
  tookMs: z.number(),
});

const item = z.object({
  name: z.string(),
  kind: z.string(),
  state: z.enum(["waiting", "restoring", "done", "lost"]),
  snapshot: z.string().exactOptional(),
  takenAt: z.number().exactOptional(),
  verdict: z.string().exactOptional(),
  reason: z.string().exactOptional(),
});

const recoveredStack = z.object({
  scope: scopeParams,
  release: z.string(),
  number: z.number().int(),
  stopped: list(z.string()),
  state: z.enum(["waiting", "running", "done", "failed"]),
  phase: z.enum(["images", "volumes", "databases", "start", "check"]),
  items: list(item),
  routes: list(z.object({ url: z.string(), status: z.number().int(), ok: z.boolean() })),
  reason: z.string().exactOptional(),
  startedAt: z.number().exactOptional(),
  finishedAt: z.number().exactOptional(),
});

/** The shape of src/server-loss/loss-records.ts. */
const recovery = z
  .object({
    state: z.enum(["running", "done", "failed"]),
    startedAt: z.number(),
    finishedAt: z.number().exactOptional(),
    repository: z.string(),
    snapshot: z.string(),
    takenAt: z.number(),
    epoch: z.number().int(),
    stacks: list(recoveredStack),
  })
  .meta({ id: "Recovery" });
export type RecoveryView = z.output<typeof recovery>;

const readiness = z
  .object({
    /** The last copy of the control plane's own state; absent: there is none yet. */
    state: stateCopy.exactOptional(),
    /** Images of releases that a lost host would take along. */
    missing: list(missingCopy),
    /** A copy is being made now. */
    saving: z.boolean(),
  })
  .meta({ id: "RecoveryReadiness" });
export type ReadinessView = z.output<typeof readiness>;

export const recoverEndpoints = {
  show: endpoint({
    method: "GET",
    path: "/recover",
    needs: "read",
    summary: "Whether this host was recovered from a lost one, how far that is, and whether it is fenced.",
    response: z.object({
      recovery: recovery.exactOptional(),
      fenced: z
        .object({ at: z.number(), epoch: z.number().int(), own: z.number().int(), reason: z.string() })
        .exactOptional(),
    }),
  }),
  check: endpoint({
    method: "GET",
    path: "/recover/readiness",
    needs: "read",
    summary:
      "What would be missing if this host were lost now: the copy of its state, and images of releases.",
    response: readiness,
  }),
  save: endpoint({
    method: "POST",
    path: "/recover/state",
    needs: "operate",
    summary:
      "Begins to copy the control plane's state and the images of releases into the default repository.",
    status: 202,
    body: z.object({ reason: z.string().max(1000).default("") }).default({ reason: "" }),
    response: readiness,
  }),
  retry: endpoint({
    method: "POST",
    path: "/recover/retry",
    needs: "operate",
    summary: "Tries what failed of a recovery once more.",
    body: z.object({ reason: z.string().max(1000).default("") }).default({ reason: "" }),
    response: recovery,
  }),
};
