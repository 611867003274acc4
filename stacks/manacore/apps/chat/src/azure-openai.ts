import { setTimeout as sleep } from "node:timers/promises";
import { count } from "@manacore/platform/metrics";
import { Inject, Injectable } from "@nestjs/common";
import { z } from "zod";
import { type ChatSettings, SETTINGS } from "./settings.js";

const completionSchema = z.object({
  model: z.string().default("unknown"),
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });

export type Turn = { role: "user" | "assistant"; content: string };
export type Completion = { message: string; model: string };

/** What a failed call means for the caller: wait and try again, or it will not work. */
export class ModelError extends Error {
  readonly kind: "busy" | "unreachable" | "refused";

  constructor(kind: "busy" | "unreachable" | "refused", message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const attempts = 3;
const firstWaitMs = 200;
const longestWaitMs = 2_000;
const longestAnswer = 1_000_000;

/** Azure OpenAI's HTTP form; a time-out over all attempts, and new attempts after 429, 5xx and broken connections. */
@Injectable()
export class AzureOpenAi {
  readonly #settings: ChatSettings;

  constructor(@Inject(SETTINGS) settings: ChatSettings) {
    this.#settings = settings;
  }

  async complete(turns: readonly Turn[], requestId: string): Promise<Completion> {
    const { AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT, AZURE_OPENAI_API_VERSION } = this.#settings;
    const url = new URL(
      `/openai/deployments/${AZURE_OPENAI_DEPLOYMENT}/chat/completions`,
      AZURE_OPENAI_ENDPOINT,
    );
    url.searchParams.set("api-version", AZURE_OPENAI_API_VERSION);
    const answer = await this.#ask(url, requestId, { messages: turns, max_tokens: 800 });
    const { choices, model } = this.#parse(completionSchema, answer);
    return { message: choices[0]?.message.content ?? "", model };
  }

  async models(requestId: string): Promise<string[]> {
    const { AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_MODELS_URL, AZURE_OPENAI_API_VERSION } = this.#settings;
    const own = new URL("/openai/models", AZURE_OPENAI_ENDPOINT);
    own.searchParams.set("api-version", AZURE_OPENAI_API_VERSION);
    const answer = await this.#ask(
      AZURE_OPENAI_MODELS_URL ? new URL(AZURE_OPENAI_MODELS_URL) : own,
      requestId,
    );
    return this.#parse(modelsSchema, answer).data.map(({ id }) => id);
  }

  #parse<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw new ModelError("refused", "the model's answer has an unknown form");
    return parsed.data;
  }

  async #ask(url: URL, requestId: string, body?: object): Promise<unknown> {
    const deadline = AbortSignal.timeout(this.#settings.MODEL_TIMEOUT_MS);
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#once(url, requestId, body, deadline);
      if (outcome.ok) return outcome.answer;
      if (attempt === attempts || !outcome.again || deadline.aborted) throw outcome.error;
      const wait = outcome.waitMs ?? firstWaitMs * 2 ** (attempt - 1) * (0.5 + Math.random());
      await sleep(Math.min(wait, longestWaitMs), undefined, { signal: deadline }).catch(() => {
        throw outcome.error;
      });
    }
  }

  async #once(url: URL, requestId: string, body: object | undefined, signal: AbortSignal): Promise<Outcome> {
    count("model_calls_total", body ? "completion" : "models");
    const key = this.#settings.AZURE_OPENAI_API_KEY;
    try {
      const response = await fetch(url, {
        method: body ? "POST" : "GET",
        headers: {
          "api-key": key,
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          "x-ms-client-request-id": requestId,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal,
      });
      return await readOutcome(response);
    } catch (cause) {
      const text = signal.aborted ? "the model did not answer in time" : "the model cannot be reached";
      return { ok: false, again: true, error: new ModelError("unreachable", text, cause) };
    }
  }
}

type Outcome =
  | { ok: true; answer: unknown }
  | { ok: false; again: boolean; error: ModelError; waitMs?: number };

async function readOutcome(response: Response): Promise<Outcome> {
  const text = await response.text();
  if (response.ok && text.length <= longestAnswer) return { ok: true, answer: JSON.parse(text) };
  const { status } = response;
  const seconds = Number(response.headers.get("retry-after"));
  const waitMs = Number.isFinite(seconds) && seconds > 0 ? { waitMs: seconds * 1000 } : {};
  if (status === 429)
    return { ok: false, again: true, error: new ModelError("busy", "the model is busy"), ...waitMs };
  if (status >= 500)
    return {
      ok: false,
      again: true,
      error: new ModelError("unreachable", `the model answered ${status}`),
      ...waitMs,
    };
  return { ok: false, again: false, error: new ModelError("refused", `the model answered ${status}`) };
}
