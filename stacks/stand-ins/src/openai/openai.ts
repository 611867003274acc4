import { setTimeout as wait } from "node:timers/promises";
import { type Answer, json } from "../shared/answer.ts";
import { Bounded } from "../shared/bounded.ts";
import { BadCall, type Call, isObject, type Json } from "../shared/call.ts";
import { Faults, isCount } from "../shared/faults.ts";
import type { Routes } from "../shared/route.ts";
import { accepts, type Environment, listenOn } from "../shared/settings.ts";
import { StandIn } from "../shared/stand-in.ts";
import { chunksOf, complete, completionObject } from "./completion.ts";
import { type OpenaiSettings, openaiSettings } from "./settings.ts";

type OpenaiFaults = { reply: string; retryAfter: number; cutStreamAfter: number };
type Entry = {
  at: string;
  path: string;
  model: string;
  messages: unknown;
  stream: boolean;
  status: number;
  ms: number;
};

/** OpenAI's chat completions, in OpenAI's own form and in Azure's. */
class Openai {
  readonly settings: OpenaiSettings;
  readonly calls = new Bounded<Entry>(500);
  readonly faults = new Faults<OpenaiFaults>({
    defaults: { reply: "", retryAfter: 1, cutStreamAfter: 0 },
    checks: { reply: (value) => typeof value === "string", retryAfter: isCount, cutStreamAfter: isCount },
  });

  constructor(settings: OpenaiSettings) {
    this.settings = settings;
  }

  routes(): Routes {
    return {
      "GET /v1/models": (call) => (this.#mayUse(call) ? json(this.#models()) : wrongKey),
      "POST /v1/chat/completions": (call) => this.#chat(call, undefined),
      "POST /openai/deployments/:deployment/chat/completions": (call) => {
        const hasVersion = call.url.searchParams.has("api-version");
        return hasVersion
          ? this.#chat(call, call.param("deployment"))
          : problem(404, "Resource not found", "404");
      },
    };
  }

  faultAnswer(status: number, { url, body }: { url: URL; body: Buffer }): Answer {
    this.#note({ path: url.pathname, request: readable(body), status, startedAt: Date.now() });
    const wordings: Record<number, string> = {
      429: "Rate limit reached",
      503: "The engine is currently overloaded",
    };
    const answer = problem(status, wordings[status] ?? "The server had an error", null);
    return status === 429
      ? { ...answer, headers: { "retry-after": String(this.faults.now.retryAfter) } }
      : answer;
  }

  async #chat(call: Call, deployment: string | undefined): Promise<Answer | undefined> {
    const startedAt = Date.now();
    const request = readable(call.body);
    const note = (status: number) => this.#note({ path: call.url.pathname, request, status, startedAt });
    const refusal = this.#refusal(call, request, deployment);
    if (refusal || !request) {
      note(refusal?.status ?? 400);
      return refusal;
    }
    if (this.settings.latencyMs > 0) await wait(this.settings.latencyMs);
    const model = deployment ?? String(request["model"]);
    const completion = complete(request, model, this.faults.now.reply);
    note(200);
    if (request["stream"] !== true) return json(completionObject(completion));
    const options = request["stream_options"];
    await this.#stream(call, chunksOf(completion, isObject(options) && options["include_usage"] === true));
    return undefined;
  }

  #refusal(call: Call, request: Json | undefined, deployment: string | undefined): Answer | undefined {
    if (!this.#mayUse(call)) return wrongKey;
    if (!request) return problem(400, "We could not parse the JSON body of your request.", null);
    try {
      complete(request, "", "");
    } catch (error) {
      if (error instanceof BadCall) return problem(400, error.message, null);
      throw error;
    }
    if (deployment !== undefined) return undefined;
    const { model } = request;
    if (typeof model !== "string") return problem(400, "you must provide a model parameter", null);
    if (!this.settings.models.includes(model))
      return problem(404, `The model \`${model}\` does not exist`, "model_not_found");
    return undefined;
  }

  async #stream(call: Call, chunks: readonly Json[]): Promise<void> {
    const { response } = call;
    const { cutStreamAfter } = this.faults.now;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    });
    for (const [index, chunk] of chunks.entries()) {
      if (cutStreamAfter > 0 && index >= cutStreamAfter) {
        response.destroy();
        return;
      }
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      // Each chunk as a packet of its own, as over the real network.
      await wait(1);
    }
    response.end("data: [DONE]\n\n");
  }

  #mayUse(call: Call): boolean {
    const bearer = /^Bearer (.+)$/i.exec(call.header("authorization"))?.[1] ?? "";
    return accepts(this.settings.keys, call.header("api-key") || bearer);
  }

  #models(): Json {
    const data = this.settings.models.map((id) => ({
      id,
      object: "model",
      created: 1_721_172_741,
      owned_by: "system",
    }));
    return { object: "list", data };
  }

  #note(from: { path: string; request: Json | undefined; status: number; startedAt: number }): void {
    const { path, request = {}, status, startedAt } = from;
    this.calls.push({
      at: new Date(startedAt).toISOString(),
      path,
      model: String(request["model"] ?? ""),
      messages: request["messages"] ?? [],
      stream: request["stream"] === true,
      status,
      ms: Date.now() - startedAt,
    });
  }
}

const wrongKey = problem(401, "Incorrect API key provided.", "invalid_api_key");

function problem(status: number, message: string, code: string | null): Answer {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  return json({ error: { message, type, param: null, code } }, status);
}

function readable(body: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Starts it. */
export function startOpenai(env: Environment): Promise<StandIn> {
  const openai = new Openai(openaiSettings(env));
  const standIn = new StandIn({
    name: "openai",
    ...listenOn(env),
    faults: openai.faults,
    routes: openai.routes(),
    control: { "GET /_stand-in/calls": () => json(openai.calls.all) },
    faultAnswer: (status, request) => openai.faultAnswer(status, request),
    reset: () => openai.calls.clear(),
  });
  return standIn.listen();
}
