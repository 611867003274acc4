import { z } from "zod";
import { endpoint, flag, list, name, scopeParams } from "./endpoint.ts";
import { deploymentSchema, planSchema, problemSchema, releaseSchema, scopeStatusSchema } from "./models.ts";

/** Everything the loader read on the caller's side: see `Bundle` in src/store/port.ts. */
export const bundleSchema = z
  .object({
    projectDirectory: z.string().startsWith("/", "must be an absolute path"),
    composeFiles: list(z.string().startsWith("/", "must be an absolute path")),
    texts: z.record(z.string(), z.string()),
    variables: z.record(z.string(), z.string()),
    profiles: list(z.string()),
    projectName: z.string().exactOptional(),
    envFiles: list(z.string().startsWith("/", "must be an absolute path")).exactOptional(),
  })
  .meta({ id: "Bundle" });

/** What a deploy sends. The bundle never holds contents of secrets or configs: they go in `files`. */
export const deployBodySchema = z
  .object({
    bundle: bundleSchema,
    /** Free text, e.g. a tag or commit. */
    label: z.string().max(200).default(""),
    /** Only these services; empty: all. */
    services: list(name).default([]),
    /** Secret or config name -> contents in base64. */
    files: z.record(z.string(), z.base64()).default({}),
    /** Kept in the audit trail. */
    reason: z.string().max(1000).default(""),
    /** Why it goes on although the environment asks for approval, a scan, another environment first, or is closed. */
    override: z.string().min(1).max(1000).exactOptional(),
  })
  .meta({ id: "DeployRequest" });

export const stackEndpoints = {
  list: endpoint({
    method: "GET",
    path: "/stacks",
    needs: "read",
    on: "anywhere",
    summary: "All stacks and environments with what runs in them.",
    response: z.object({ stacks: list(scopeStatusSchema) }),
  }),
  check: endpoint({
    method: "POST",
    path: "/check",
    needs: "read",
    on: "anywhere",
    summary: "Parses and validates a bundle and reports every problem, without touching anything.",
    body: z.object({ bundle: bundleSchema, environment: name.default("production") }),
    response: z.object({
      /** No error among the problems; warnings do not count. */
      ok: z.boolean(),
      problems: list(problemSchema),
      stack: z
        .object({
          name: z.string(),
          environment: z.string(),
          services: list(
            z.object({
              name: z.string(),
              kind: z.string(),
              strategy: z.string(),
              replicas: z.number().int(),
            }),
          ),
        })
        .exactOptional(),
    }),
  }),
  plan: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/plan",
    needs: "develop",
    summary: "The steps that a deploy would take now, without taking any.",
    params: scopeParams,
    body: deployBodySchema.omit({ reason: true, override: true }),
    response: z.object({ plan: planSchema, warnings: list(problemSchema) }),
  }),
  status: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/status",
    needs: "read",
    summary: "What runs: services, replicas, traffic, and the deployment in progress.",
    params: scopeParams,
    response: scopeStatusSchema,
  }),
  releases: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/releases",
    needs: "read",
    summary: "Releases, newest first.",
    params: scopeParams,
    query: z.object({
      limit: z.coerce.number<number | string>().int().min(1).max(500).default(50),
    }),
    response: z.object({ releases: list(releaseSchema) }),
  }),
  release: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/releases/:release",
    needs: "read",
    summary: "One release by `v3`, id or label.",
    params: scopeParams.extend({ release: z.string().min(1).max(200) }),
    response: releaseSchema,
  }),
  down: endpoint({
    method: "DELETE",
    path: "/stacks/:stack/:environment",
    needs: "operate",
    summary: "Removes routes, replicas and networks; volumes only when asked.",
    params: scopeParams,
    query: z.object({ volumes: flag.default(false), reason: z.string().max(1000).default("") }),
    status: 202,
    response: deploymentSchema,
  }),
};
