import { z } from "zod";
import { count, endpoint, list, scopeParams } from "./endpoint.ts";
import { deploymentEventSchema, deploymentSchema, problemSchema } from "./models.ts";
import { deployBodySchema } from "./stacks.ts";

const byId = z.object({ id: z.string().min(1).max(100) });
const reasonBody = z.object({ reason: z.string().max(1000).default("") }).default({ reason: "" });

export const deploymentEndpoints = {
  create: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/deployments",
    needs: "develop",
    summary: "Deploys a bundle. Accepted durably; follow it by its events.",
    params: scopeParams,
    body: deployBodySchema,
    status: 202,
    response: z.object({ deployment: deploymentSchema, warnings: list(problemSchema) }),
  }),
  list: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/deployments",
    needs: "read",
    summary: "Deployments, newest first.",
    params: scopeParams,
    query: z.object({ limit: count({ min: 1, max: 500 }).default(50) }),
    response: z.object({ deployments: list(deploymentSchema) }),
  }),
  get: endpoint({
    method: "GET",
    path: "/deployments/:id",
    needs: "read",
    on: "deployment",
    summary: "One deployment, with the failure if it failed.",
    params: byId,
    response: deploymentSchema,
  }),
  events: endpoint({
    method: "GET",
    path: "/deployments/:id/events",
    needs: "read",
    on: "deployment",
    summary: "The journal from the beginning, or after Last-Event-ID, then live; ends with an `end` event.",
    params: byId,
    stream: "sse",
    response: deploymentEventSchema,
  }),
  rollback: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/rollback",
    needs: "develop",
    summary: "Makes an earlier release current: `v3`, id or label; without one, the release before.",
    params: scopeParams,
    body: z
      .object({
        release: z.string().min(1).max(200).exactOptional(),
        reason: z.string().max(1000).default(""),
      })
      .default({ reason: "" }),
    status: 202,
    response: deploymentSchema,
  }),
  promote: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/promote",
    needs: "develop",
    summary: "Ends the canary of the running deployment with a pass.",
    params: scopeParams,
    body: reasonBody,
    status: 202,
    response: deploymentSchema,
  }),
  abort: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/abort",
    needs: "develop",
    summary: "Stops the running deployment and returns to what was current.",
    params: scopeParams,
    body: reasonBody,
    status: 202,
    response: deploymentSchema,
  }),
};
