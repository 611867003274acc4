import { type Environment, numberFrom } from "../shared/settings.ts";

export type PaymentsSettings = { apiKey: string; webhookSecret: string; retryMs: number; maxTries: number };

export function paymentsSettings(env: Environment): PaymentsSettings {
  const apiKey = env["API_KEY"] || "stand-in-key";
  return {
    apiKey,
    webhookSecret: env["WEBHOOK_SECRET"] || apiKey,
    retryMs: numberFrom(env, "RETRY_MS", 60_000),
    maxTries: numberFrom(env, "MAX_TRIES", 10),
  };
}
