import { Database } from "@manacore/platform/database";
import type { ManaRequest } from "@manacore/platform/mana-request";
import { ManaTokenGuard } from "@manacore/platform/mana-token.guard";
import { parseBody } from "@manacore/platform/parse-body";
import { RateLimiter } from "@manacore/platform/rate-limit";
import {
  Controller,
  Get,
  Inject,
  NotFoundException,
  Param,
  Post,
  Redirect,
  Req,
  Res,
  UseGuards,
} from "@nestjs/common";
import type { Response } from "express";
import type { Project } from "./project.js";

export const PROJECT = Symbol("project");

const columns = `id, body, created_at AS "createdAt"`;

@Controller("api")
export class ItemsController {
  constructor(
    @Inject(PROJECT) private readonly project: Project,
    @Inject(Database) private readonly database: Database,
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
  ) {}

  @Post("items")
  @UseGuards(ManaTokenGuard)
  async create(
    @Req() { claims, body }: ManaRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ item: unknown }> {
    await this.limiter.enforce({ name: this.project.name, max: 60, windowSeconds: 60 }, claims.sub, response);
    const made = this.project.make(parseBody(this.project.input, body));
    const text = `INSERT INTO items (user_id, body) VALUES ($1, $2) RETURNING ${columns}`;
    const [item] = await this.database.query("create item", text, [claims.sub, made]);
    return { item };
  }

  @Get("items")
  @UseGuards(ManaTokenGuard)
  async list(@Req() { claims }: ManaRequest): Promise<{ items: object[] }> {
    const text = `SELECT ${columns} FROM items WHERE user_id = $1 ORDER BY created_at DESC LIMIT 50`;
    return { items: await this.database.query("items", text, [claims.sub]) };
  }

  /** uload's short addresses; the other projects have no codes, and so nothing here. */
  @Get("go/:code")
  @Redirect()
  async follow(@Param("code") code: string): Promise<{ url: string; statusCode: number }> {
    const text = "SELECT body ->> 'url' AS url FROM items WHERE body ->> 'code' = $1 AND body ? 'code'";
    const [row] = await this.database.query<{ url: string }>("code", text, [code]);
    if (!row) throw new NotFoundException({ error: "UNKNOWN_CODE", message: "There is no such address." });
    return { url: row.url, statusCode: 302 };
  }
}
