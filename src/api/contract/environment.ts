import { z } from "zod";
import { endpoint, list, name, scopeParams } from "./endpoint.ts";
import { deploymentSchema } from "./models.ts";

/** As programs see them, and as Compose secrets may be called. */
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/, "letters, digits, `_`, `.`, `-`, starting with a letter or `_`");

const value = z.string().max(64 * 1024);
const reason = z.string().max(1000).default("");

/** The value of a secret is never among the answers. */
const shownVariable = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("plain"), value: z.string() }),
  z.object({ kind: z.literal("secret") }),
  z.object({ kind: z.literal("reference"), reference: z.string() }),
  z.object({ kind: z.literal("shell") }),
]);

const setFacts = z.object({ number: z.number().int(), changedAt: z.number(), changedBy: z.string() });

const variableView = z
  .object({
    name: z.string(),
    set: z.intersection(shownVariable, setFacts).exactOptional(),
    secret: z.boolean(),
    state: z.enum(["set", "file", "default", "missing", "unused"]),
    required: z.boolean(),
    services: list(z.string()),
    live: z.enum(["same", "differs", "unknown", "absent"]),
  })
  .meta({ id: "Variable" });
export type VariableViewModel = z.output<typeof variableView>;

const differenceView = z
  .object({
    name: z.string(),
    from: shownVariable.exactOptional(),
    to: shownVariable.exactOptional(),
    change: z.enum(["added", "removed", "changed", "same", "unknown"]),
  })
  .meta({ id: "VariableDifference" });
export type DifferenceModel = z.output<typeof differenceView>;

const change = z.discriminatedUnion("kind", [
  /** Refused for what looks like a secret, unless said twice. */
  z.object({ kind: z.literal("plain"), name: variableName, value, evenIfSecret: z.boolean().default(false) }),
  z.object({ kind: z.literal("secret"), name: variableName, value }),
  z.object({ kind: z.literal("reference"), name: variableName, reference: z.string().max(600) }),
  z.object({ kind: z.literal("unset"), name: variableName }),
]);

const variables = z.object({ variables: list(variableView) });

export const environmentEndpoints = {
  list: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/variables",
    needs: "read",
    summary:
      "What is set, what the current release asks for, and whether it runs with it. Values of plain ones only.",
    params: scopeParams,
    response: variables,
  }),
  change: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/variables",
    needs: "develop",
    summary: "Sets and unsets variables and secrets, all or none. Counts from the next deploy on.",
    params: scopeParams,
    body: z.object({ changes: z.array(change).min(1).max(1000), reason }),
    response: variables,
  }),
  compare: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/variables/compare",
    needs: "read",
    summary: "Against another environment of the stack, or, without one, what runs against the next deploy.",
    params: scopeParams,
    query: z.object({ with: name.exactOptional() }),
    response: z.object({ differences: list(differenceView) }),
  }),
  affected: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/variables/:name/affected",
    needs: "read",
    summary: "Services that a new value would replace, and by which strategy.",
    params: scopeParams.extend({ name: variableName }),
    response: z.object({
      services: list(z.object({ name: z.string(), kind: z.string(), strategy: z.string() })),
    }),
  }),
  rotate: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/variables/:name/rotate",
    needs: "develop",
    summary: "Sets a new value and replaces the services that use it; without one, a reference is read anew.",
    params: scopeParams.extend({ name: variableName }),
    body: z.object({
      value: value.min(1).exactOptional(),
      /** The value before goes on under this name. */
      keepPreviousAs: variableName.exactOptional(),
      reason,
    }),
    status: 202,
    response: deploymentSchema,
  }),
  providers: endpoint({
    method: "GET",
    path: "/secrets/providers",
    needs: "read",
    on: "anywhere",
    summary: "Where secrets can come from, and whether each answers now.",
    response: z.object({
      providers: list(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
    }),
  }),
  rotateKey: endpoint({
    method: "POST",
    path: "/secrets/rotate-key",
    needs: "administer",
    summary: "Encrypts everything in the store anew under a new key.",
    body: z.object({ reason }).default({ reason: "" }),
    response: z.object({ values: z.number().int() }),
  }),
};
