import { commonSettings } from "@manacore/platform/settings";
import { z } from "zod";

export const chatSettings = commonSettings.extend({
  JWKS_URL: z.url(),
  AZURE_OPENAI_ENDPOINT: z.url({ error: "the URL of the Azure OpenAI resource is required" }),
  AZURE_OPENAI_API_KEY: z.string({ error: "the key of the Azure OpenAI resource is required" }).min(1),
  AZURE_OPENAI_DEPLOYMENT: z
    .string()
    .regex(/^[\w.-]+$/)
    .default("gpt-4o-mini"),
  AZURE_OPENAI_API_VERSION: z
    .string()
    .regex(/^[\w-]+$/)
    .default("2024-10-21"),
  /** Where the list of models is; default: the resource's own. */
  AZURE_OPENAI_MODELS_URL: z.url().optional(),
  MODEL_TIMEOUT_MS: z.coerce.number().int().min(100).default(30_000),
  STARTING_CREDITS: z.coerce.number().int().min(0).default(50),
  COMPLETION_LIMIT: z.coerce.number().int().min(1).default(60),
  READ_LIMIT: z.coerce.number().int().min(1).default(600),
});

export type ChatSettings = z.infer<typeof chatSettings>;
export const SETTINGS = Symbol("settings");
