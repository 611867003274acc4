import { z } from "zod";
import { endpoint, list, name, scopeParams } from "./endpoint.ts";
import { scopeSchema } from "./models.ts";
import { bundleSchema } from "./stacks.ts";

/** Shapes of src/publish. */
const published = z.object({
  repository: z.string(),
  digest: z.string(),
  versions: list(z.string()),
  aliases: list(z.string()),
  /** Compressed, of all layers. */
  sizeBytes: z.number(),
  layers: z.number().int(),
  reused: z.number().int(),
  sentBytes: z.number(),
});

const buildResult = z
  .object({
    service: z.string(),
    reference: z.string(),
    digest: z.string(),
    /** On this host. */
    sizeBytes: z.number().exactOptional(),
    steps: list(z.object({ name: z.string(), cached: z.boolean(), seconds: z.number().exactOptional() })),
    cached: z.number().int(),
    buildMs: z.number(),
    pushMs: z.number().exactOptional(),
    pushed: published.exactOptional(),
  })
  .meta({ id: "BuildResult" });
export type BuildResultView = z.output<typeof buildResult>;

const buildEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("line"), service: z.string(), line: z.string() }),
  z.object({ type: z.literal("built"), result: buildResult }),
]);

const move = z.object({
  at: z.number(),
  by: z.string(),
  reason: z.string(),
  from: z.string().exactOptional(),
  to: z.string(),
});

const imageTag = z
  .object({
    repository: z.string(),
    tag: z.string(),
    /** A version never moves. */
    kind: z.enum(["version", "alias"]),
    digest: z.string(),
    imageDigest: z.string(),
    scope: scopeSchema,
    service: z.string(),
    sizeBytes: z.number(),
    at: z.number(),
    by: z.string(),
    history: list(move),
    /** In our own registry only. */
    keeping: z.enum(["live", "warm", "last", "alias", "removable"]).exactOptional(),
  })
  .meta({ id: "ImageTag" });
export type ImageTagView = z.output<typeof imageTag>;

const removed = z.object({
  repository: z.string(),
  digest: z.string(),
  tags: list(z.string()),
  keeping: z.enum(["live", "warm", "last", "alias", "removable"]),
});

const tagText = z.string().regex(/^\w[\w.-]{0,127}$/, "must be a tag");
const keep = z.number().int().min(0).max(1000).default(5);

export const imageEndpoints = {
  build: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/builds",
    needs: "develop",
    summary: "Builds images without deploying them, and pushes them when asked to; output, then results.",
    params: scopeParams,
    body: z.object({
      bundle: bundleSchema,
      services: list(name).default([]),
      /** Secret or config name -> contents in base64. */
      files: z.record(z.string(), z.base64()).default({}),
      noCache: z.boolean().default(false),
      push: z
        .object({
          tags: list(tagText).default([]),
          /** What is built is exactly this commit. */
          build: z
            .object({ ref: z.string().min(1).max(300), commit: z.string().regex(/^[0-9a-f]{7,64}$/) })
            .exactOptional(),
        })
        .exactOptional(),
      reason: z.string().max(1000).default(""),
    }),
    stream: "ndjson",
    response: buildEvent,
  }),
  tags: endpoint({
    method: "GET",
    path: "/images/tags",
    needs: "read",
    on: "anywhere",
    summary: "Tags that were pushed from here: versions, which never move, and aliases with their history.",
    query: z.object({ repository: z.string().min(1).max(300).exactOptional() }),
    response: z.object({ tags: list(imageTag) }),
  }),
  pruneRegistry: endpoint({
    method: "POST",
    path: "/images/registry/prune",
    needs: "operate",
    summary: "Removes from our own registry what was pushed from here and nothing needs; answers what.",
    body: z.object({ keep, reason: z.string().max(1000).default("") }).default({ keep: 5, reason: "" }),
    response: z.object({ removed: list(removed) }),
  }),
};
