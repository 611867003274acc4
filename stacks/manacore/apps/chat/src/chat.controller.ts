import { Database } from "@manacore/platform/database";
import type { ManaRequest } from "@manacore/platform/mana-request";
import { ManaTokenGuard } from "@manacore/platform/mana-token.guard";
import { parseBody } from "@manacore/platform/parse-body";
import { type Limit, RateLimiter } from "@manacore/platform/rate-limit";
import { Controller, Get, Header, HttpCode, Inject, Post, Req, Res, UseGuards } from "@nestjs/common";
import type { Response } from "express";
import { z } from "zod";
import { type CompletionAnswer, Completions } from "./completions.js";
import { Credits } from "./credits.js";
import { Models } from "./models.js";
import { type ChatSettings, SETTINGS } from "./settings.js";

const completionSchema = z.object({
  messages: z
    .array(z.object({ role: z.enum(["user", "assistant"]), content: z.string().trim().min(1).max(8_000) }))
    .min(1)
    .max(40)
    .refine((messages) => messages.at(-1)?.role === "user", "the last message must be the user's"),
});

@Controller("api")
export class ChatController {
  readonly #completionLimit: Limit;
  readonly #readLimit: Limit;

  constructor(
    @Inject(Completions) private readonly completions: Completions,
    @Inject(Credits) private readonly credits: Credits,
    @Inject(Models) private readonly models: Models,
    @Inject(Database) private readonly database: Database,
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(SETTINGS) settings: ChatSettings,
  ) {
    this.#completionLimit = { name: "completions", max: settings.COMPLETION_LIMIT, windowSeconds: 60 };
    this.#readLimit = { name: "reads", max: settings.READ_LIMIT, windowSeconds: 60 };
  }

  @Post("chat/completions")
  @HttpCode(200)
  @UseGuards(ManaTokenGuard)
  async complete(
    @Req() request: ManaRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CompletionAnswer> {
    const { claims, timings, requestId } = request;
    const context = { userId: claims.sub, timings, requestId };
    await timings.measure("limit", () => this.limiter.enforce(this.#completionLimit, claims.sub, response));
    await this.completions.requireCredits(context);
    const { messages } = await timings.measure("validate", () => parseBody(completionSchema, request.body));
    const answer = await this.completions.complete(messages, context);
    response.setHeader("Server-Timing", timings.header);
    response.setHeader("Cache-Control", "no-store");
    return answer;
  }

  @Get("credits")
  @UseGuards(ManaTokenGuard)
  @Header("cache-control", "no-store")
  async balance(
    @Req() { claims, timings }: ManaRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ credits: number }> {
    await this.limiter.enforce(this.#readLimit, claims.sub, response);
    const credits = await timings.measure("credits", () => this.credits.of(claims.sub));
    response.setHeader("Server-Timing", timings.header);
    return { credits };
  }

  /** Always from the database. */
  @Get("chat/messages")
  @UseGuards(ManaTokenGuard)
  @Header("cache-control", "no-store")
  async messages(
    @Req() { claims }: ManaRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ messages: object[] }> {
    await this.limiter.enforce(this.#readLimit, claims.sub, response);
    const text = `SELECT id::text, prompt, reply, model, created_at AS "createdAt" FROM messages
      WHERE user_id = $1 ORDER BY id DESC LIMIT 50`;
    return { messages: await this.database.query("messages", text, [claims.sub]) };
  }

  @Get("models")
  async list(@Req() { requestId }: ManaRequest): Promise<{ models: string[] }> {
    return { models: await this.models.list(requestId) };
  }
}
