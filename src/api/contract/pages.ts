import { z } from "zod";
import { count, endpoint, list, scopeParams } from "./endpoint.ts";
import { deploymentSchema, scopeSchema } from "./models.ts";

/** What the dashboard needs beyond the parts' own endpoints. */

const topologyService = z.object({
  name: z.string(),
  kind: z.enum(["web", "worker", "static", "database", "job"]),
  strategy: z.string(),
  replicas: z.number().int(),
  image: z.string().exactOptional(),
  /** `host/path` on the edge. */
  routes: list(z.string()),
  ports: list(z.number().int()),
  /** Services that it waits for at its start. */
  waitsFor: list(z.string()),
  /** Services whose address is among its settings. */
  calls: list(z.string()),
  volumes: list(z.string()),
  networks: list(z.string()),
});

export const topologySchema = z
  .object({
    scope: scopeSchema,
    release: z.string(),
    number: z.number().int(),
    services: list(topologyService),
  })
  .meta({ id: "Topology" });
export type TopologyView = z.output<typeof topologySchema>;

const valueChange = z.object({
  path: z.string(),
  from: z.string().exactOptional(),
  to: z.string().exactOptional(),
});

export const changesSchema = z
  .object({
    from: z.object({ id: z.string(), number: z.number().int(), label: z.string() }).exactOptional(),
    to: z.object({ id: z.string(), number: z.number().int(), label: z.string() }),
    services: list(
      z.object({
        service: z.string(),
        change: z.enum(["added", "removed", "changed"]),
        values: list(valueChange),
        settings: list(valueChange),
      }),
    ),
    resources: list(valueChange),
    /** By digest: the same tag may have become another image. */
    images: list(valueChange),
    /** Versions of secrets and configs, never their contents. */
    files: list(valueChange),
  })
  .meta({ id: "ReleaseChanges" });
export type ChangesView = z.output<typeof changesSchema>;

export const pageEventSchema = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("hello"), version: z.string() }),
    z.object({
      type: z.literal("changed"),
      topic: z.enum(["deployment", "run"]),
      id: z.string(),
      scope: scopeSchema.exactOptional(),
    }),
  ])
  .meta({ id: "PageEvent" });
export type PageEvent = z.output<typeof pageEventSchema>;

export const pageEndpoints = {
  deployments: endpoint({
    method: "GET",
    path: "/deployments",
    summary: "Deployments of all stacks, newest first.",
    needs: "read",
    on: "anywhere",
    query: z.object({ limit: count({ min: 1, max: 500 }).default(50) }),
    response: z.object({ deployments: list(deploymentSchema) }),
  }),
  topology: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/topology",
    summary: "The services of the current release, who waits for whom and who calls whom.",
    needs: "read",
    params: scopeParams,
    response: topologySchema,
  }),
  changes: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/releases/:release/changes",
    summary: "What a release changed against another one; without `from`, against the one before.",
    needs: "read",
    params: scopeParams.extend({ release: z.string().min(1).max(200) }),
    query: z.object({ from: z.string().min(1).max(200).exactOptional() }),
    response: changesSchema,
  }),
  events: endpoint({
    method: "GET",
    path: "/events",
    summary: "What has changed, as it changes, without its contents: whoever shows it reads it again.",
    needs: "read",
    on: "anywhere",
    stream: "sse",
    response: pageEventSchema,
  }),
};
