import { type Environment, listFrom, numberFrom } from "../shared/settings.ts";

export type OpenaiSettings = { keys: string[]; latencyMs: number; models: string[] };

export function openaiSettings(env: Environment): OpenaiSettings {
  return {
    keys: listFrom(env, "API_KEY", "stand-in-key"),
    latencyMs: numberFrom(env, "LATENCY_MS", 0),
    models: listFrom(env, "MODELS", "gpt-4o-mini,gpt-4o"),
  };
}
