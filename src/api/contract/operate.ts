import { z } from "zod";
import { count, endpoint, flag, list, name, names, scopeParams } from "./endpoint.ts";
import { deploymentSchema, logLineSchema, statsSchema } from "./models.ts";

const servicesBody = z
  .object({
    /** Empty: all services. */
    services: list(name).default([]),
    reason: z.string().max(1000).default(""),
  })
  .default({ services: [], reason: "" });

const change = { method: "POST", params: scopeParams, status: 202, response: deploymentSchema } as const;

export const operateEndpoints = {
  restart: endpoint({
    ...change,
    path: "/stacks/:stack/:environment/restart",
    needs: "operate",
    summary: "Replaces the replicas by fresh ones, without downtime where the strategy allows.",
    body: servicesBody,
  }),
  stop: endpoint({
    ...change,
    path: "/stacks/:stack/:environment/stop",
    needs: "operate",
    summary: "Stops services; their routes answer 503 until they are started.",
    body: servicesBody,
  }),
  start: endpoint({
    ...change,
    path: "/stacks/:stack/:environment/start",
    needs: "operate",
    summary: "Starts stopped services.",
    body: servicesBody,
  }),
  scale: endpoint({
    ...change,
    path: "/stacks/:stack/:environment/scale",
    needs: "operate",
    summary: "Sets the number of replicas of services.",
    body: z.object({
      replicas: z
        .record(name, z.number().int().min(0).max(1000))
        .refine((replicas) => Object.keys(replicas).length > 0, "names no service"),
      reason: z.string().max(1000).default(""),
    }),
  }),
  logs: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/logs",
    needs: "read",
    summary: "Log lines of all replicas, one JSON object a line.",
    params: scopeParams,
    query: z.object({
      services: names.exactOptional(),
      replica: z.string().max(200).exactOptional(),
      /** Last n lines before following. */
      tail: count({ min: 0, max: 1_000_000 }).exactOptional(),
      /** Epoch milliseconds. */
      since: count({ min: 0, max: Number.MAX_SAFE_INTEGER }).exactOptional(),
      follow: flag.default(false),
    }),
    stream: "ndjson",
    response: logLineSchema,
  }),
  stats: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/stats",
    needs: "read",
    summary: "One sample of each running replica.",
    params: scopeParams,
    response: z.object({ at: z.number(), replicas: list(statsSchema) }),
  }),
  exec: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/exec",
    needs: "operate",
    summary: "WebSocket: runs a command inside a replica (frames: src/api/contract/exec-frames.ts).",
    params: scopeParams,
    stream: "upgrade",
    response: z.unknown(),
  }),
};
