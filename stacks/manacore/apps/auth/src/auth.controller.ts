import { createHash } from "node:crypto";
import { parseBody } from "@manacore/platform/parse-body";
import { type Limit, RateLimiter } from "@manacore/platform/rate-limit";
import {
  Body,
  ConflictException,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Post,
  Res,
  UnauthorizedException,
} from "@nestjs/common";
import type { Response } from "express";
import { z } from "zod";
import { type Account, Accounts } from "./accounts.js";
import { ManaTokens } from "./mana-tokens.js";
import { Sessions } from "./sessions.js";
import { type AuthSettings, SETTINGS } from "./settings.js";
import { SigningKeys } from "./signing-keys.js";

const email = z
  .email()
  .max(254)
  .transform((text) => text.toLowerCase());
const appId = z.enum(["chat", "maerchenzauber", "picture", "memoro", "uload"]).default("chat");
const signUpSchema = z.object({
  email,
  name: z.string().trim().min(1).max(80),
  password: z.string().min(10).max(200),
  appId,
});
const signInSchema = z.object({ email, password: z.string().min(1).max(200), appId });
const refreshSchema = z.object({ refreshToken: z.string().min(20).max(100) });

export type SignedIn = {
  user: Account;
  manaToken: string;
  expiresIn: number;
  refreshToken: string;
};

@Controller()
export class AuthController {
  readonly #signInLimit: Limit;

  constructor(
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(ManaTokens) private readonly tokens: ManaTokens,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(SigningKeys) private readonly keys: SigningKeys,
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(SETTINGS) settings: AuthSettings,
  ) {
    this.#signInLimit = {
      name: "login",
      max: settings.SIGN_IN_LIMIT,
      windowSeconds: settings.SIGN_IN_WINDOW_SECONDS,
    };
  }

  @Post("api/auth/sign-up")
  async signUp(@Body() body: unknown): Promise<SignedIn> {
    const wanted = parseBody(signUpSchema, body);
    const account = await this.accounts.create(wanted.email, wanted.name, wanted.password);
    if (!account)
      throw new ConflictException({ error: "EMAIL_TAKEN", message: "This address has an account already." });
    return this.#signedIn(account, wanted.appId);
  }

  @Post("api/auth/sign-in")
  @HttpCode(200)
  async signIn(@Body() body: unknown, @Res({ passthrough: true }) response: Response): Promise<SignedIn> {
    const given = parseBody(signInSchema, body);
    const login = createHash("sha256").update(given.email).digest("base64url");
    await this.limiter.enforce(this.#signInLimit, login, response);
    const account = await this.accounts.withPassword(given.email, given.password);
    if (!account)
      throw new UnauthorizedException({
        error: "WRONG_CREDENTIALS",
        message: "Address or password is wrong.",
      });
    await this.limiter.forget(this.#signInLimit, login);
    return this.#signedIn(account, given.appId);
  }

  /** A new access token and a new refresh token; the old one ends with this call. */
  @Post("api/auth/refresh")
  @HttpCode(200)
  async refresh(@Body() body: unknown): Promise<SignedIn> {
    const session = await this.sessions.take(parseBody(refreshSchema, body).refreshToken);
    const account = session && (await this.accounts.find(session.accountId));
    if (!session || !account) throw signedOut();
    return this.#signedIn(account, session.appId);
  }

  /** Who is signed in by this refresh token; asked by the web pages before they show anything. */
  @Post("api/auth/session")
  @HttpCode(200)
  async session(@Body() body: unknown): Promise<{ user: Account }> {
    const session = await this.sessions.find(parseBody(refreshSchema, body).refreshToken);
    const account = session && (await this.accounts.find(session.accountId));
    if (!account) throw signedOut();
    return { user: account };
  }

  @Post("api/auth/sign-out")
  @HttpCode(204)
  async signOut(@Body() body: unknown): Promise<void> {
    await this.sessions.take(parseBody(refreshSchema, body).refreshToken);
  }

  @Get(".well-known/jwks.json")
  @Header("cache-control", "public, max-age=300")
  async jwks(): Promise<object> {
    return this.keys.published();
  }

  async #signedIn(user: Account, app: string): Promise<SignedIn> {
    const { manaToken, expiresIn } = await this.tokens.issue(user, app);
    return {
      user,
      manaToken,
      expiresIn,
      refreshToken: await this.sessions.open({ accountId: user.id, appId: app }),
    };
  }
}

function signedOut(): UnauthorizedException {
  return new UnauthorizedException({ error: "SIGNED_OUT", message: "Sign in again." });
}
