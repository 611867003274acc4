import { commonSettings } from "@manacore/platform/settings";
import { z } from "zod";

export const authSettings = commonSettings.extend({
  /** Encrypts the signing keys at rest. */
  KEY_SECRET: z.string().min(16),
  ACCESS_TOKEN_SECONDS: z.coerce.number().int().min(5).max(86_400).default(900),
  SESSION_SECONDS: z.coerce
    .number()
    .int()
    .min(60)
    .default(30 * 86_400),
  SIGN_IN_LIMIT: z.coerce.number().int().min(1).default(10),
  SIGN_IN_WINDOW_SECONDS: z.coerce.number().int().min(1).default(300),
});

export type AuthSettings = z.infer<typeof authSettings>;
export const SETTINGS = Symbol("settings");
