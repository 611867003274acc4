import { count } from "@manacore/platform/metrics";
import { REDIS } from "@manacore/platform/tokens";
import { HttpException, Inject, Injectable } from "@nestjs/common";
import type { Redis } from "ioredis";
import { z } from "zod";
import { AzureOpenAi, ModelError } from "./azure-openai.js";

const key = "models:chat";
const ttlSeconds = 3600;
const listSchema = z.array(z.string());

/** The model list, static metadata: an hour in Redis, one call upstream however many ask at once. */
@Injectable()
export class Models {
  #loading: Promise<string[]> | undefined;

  constructor(
    @Inject(AzureOpenAi) private readonly model: AzureOpenAi,
    @Inject(REDIS) private readonly redis: Redis,
  ) {}

  async list(requestId: string): Promise<string[]> {
    const cached = await this.redis.get(key).catch(() => null);
    if (cached !== null) {
      count("models_reads_total", "hit");
      return listSchema.parse(JSON.parse(cached));
    }
    count("models_reads_total", "miss");
    this.#loading ??= this.#load(requestId).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(requestId: string): Promise<string[]> {
    try {
      const models = await this.model.models(requestId);
      await this.redis.set(key, JSON.stringify(models), "EX", ttlSeconds).catch((error: Error) => {
        process.stderr.write(`model cache: ${error.message}\n`);
      });
      return models;
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      throw new HttpException({ error: "MODEL_UNAVAILABLE", message: error.message }, 502);
    }
  }
}
