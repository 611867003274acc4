import { z } from "zod";
import { count, endpoint, list, name, scopeParams } from "./endpoint.ts";

const image = z.object({ reference: z.string(), digest: z.string() });

const channel = z.union([
  z.object({ kind: z.enum(["pinned", "patch", "minor"]) }),
  z.object({ kind: z.literal("tag"), tag: z.string() }),
]);

const outdatedView = z
  .object({
    service: z.string(),
    /** Rolled out by itself. */
    automatic: z.boolean(),
    channel,
    running: image,
    newest: image.exactOptional(),
    state: z.enum(["current", "outdated", "bad", "refused", "awaiting", "rejected", "built", "unknown"]),
    message: z.string().exactOptional(),
    createdAt: z.number().exactOptional(),
    base: z.object({ name: z.string(), outdated: z.boolean().exactOptional() }).exactOptional(),
    polls: z.number().int(),
    polledAt: z.number().exactOptional(),
    /** Rolled out once, and never again. */
    bad: list(z.object({ digest: z.string(), deployment: z.string(), at: z.number(), message: z.string() })),
  })
  .meta({ id: "OutdatedService" });
export type OutdatedView = z.output<typeof outdatedView>;

const keptImage = z
  .object({
    stack: z.string(),
    service: z.string(),
    reference: z.string(),
    digest: z.string(),
    sizeBytes: z.number(),
    keeping: z.enum(["live", "warm", "last", "in use", "removable"]),
    /** Numbers of the releases that have it. */
    releases: list(z.number().int()),
  })
  .meta({ id: "KeptImage" });
export type KeptImageView = z.output<typeof keptImage>;

const images = z.object({ images: list(keptImage) });
const keepLast = { min: 0, max: 1000 };

const awaitingUpdate = z
  .object({
    scope: scopeParams,
    service: z.string(),
    running: image,
    newest: image,
    approval: z.object({
      askedAt: z.number(),
      rule: z.object({ approvers: list(z.string()) }),
      decision: z
        .object({ kind: z.enum(["approve", "reject"]), by: z.string(), reason: z.string(), at: z.number() })
        .exactOptional(),
    }),
  })
  .meta({ id: "AwaitingUpdate" });
export type AwaitingUpdateView = z.output<typeof awaitingUpdate>;

const decision = {
  method: "POST",
  needs: "approve",
  params: scopeParams.extend({ service: name }),
  body: z.object({ reason: z.string().max(1000).default("") }).default({ reason: "" }),
  response: awaitingUpdate,
} as const;

export const updateEndpoints = {
  awaiting: endpoint({
    method: "GET",
    path: "/updates/awaiting",
    needs: "read",
    on: "anywhere",
    summary: "Newer images that wait until somebody lets them through.",
    response: z.object({ updates: list(awaitingUpdate) }),
  }),
  approve: endpoint({
    ...decision,
    path: "/stacks/:stack/:environment/updates/:service/approve",
    summary:
      "Lets the newer image of a service through, which is then rolled out when its environment is open.",
  }),
  reject: endpoint({
    ...decision,
    path: "/stacks/:stack/:environment/updates/:service/reject",
    summary: "The newer image of a service is not rolled out; the next one asks again.",
  }),
  outdated: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/updates",
    needs: "read",
    summary: "What runs beside what its registry has now. Asks the registries, changes nothing.",
    params: scopeParams,
    response: z.object({ services: list(outdatedView) }),
  }),
  check: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/updates/check",
    needs: "develop",
    summary: "Looks for updates now instead of at the next poll: for whoever has just pushed an image.",
    params: scopeParams,
    body: z.object({ services: list(name).default([]) }).default({ services: [] }),
    status: 202,
    response: z.object({ services: list(z.string()) }),
  }),
  images: endpoint({
    method: "GET",
    path: "/images",
    needs: "read",
    on: "anywhere",
    summary: "Images of releases on this host, and why each is kept. Foreign images are never looked at.",
    query: z.object({ keep: count(keepLast).default(5) }),
    response: images,
  }),
  pruneImages: endpoint({
    method: "POST",
    path: "/images/prune",
    needs: "operate",
    summary: "Removes images that no live, warm or recent release needs; answers which.",
    body: z
      .object({
        keep: z.number().int().min(keepLast.min).max(keepLast.max).default(5),
        reason: z.string().max(1000).default(""),
      })
      .default({ keep: 5, reason: "" }),
    response: images,
  }),
};
