import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  ServiceUnavailableException,
  UnauthorizedException,
} from "@nestjs/common";
import type { JWTVerifyGetKey } from "jose";
import type { ManaRequest } from "./mana-request.js";
import { verifyManaToken } from "./mana-token.js";

export const TOKEN_RULES = Symbol("token rules");

export type TokenRules = { keys: JWTVerifyGetKey; issuer: string; appId: string };

/** `Authorization: Bearer <manaToken>` of this application; nothing of the token is believed before its signature. */
@Injectable()
export class ManaTokenGuard implements CanActivate {
  readonly #rules: TokenRules;

  constructor(@Inject(TOKEN_RULES) rules: TokenRules) {
    this.#rules = rules;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ManaRequest>();
    const { keys, issuer, appId } = this.#rules;
    const token = /^Bearer ([\w.-]+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token === undefined)
      throw new UnauthorizedException({ error: "TOKEN_MISSING", message: "Sign in first." });
    const verdict = await request.timings.measure("auth", () => verifyManaToken(token, keys, issuer));
    if (!verdict.ok) throw refusalOf(verdict.reason);
    if (verdict.claims.app_id !== appId)
      throw new ForbiddenException({
        error: "TOKEN_WRONG_APP",
        message: "This token is for another application.",
      });
    request.claims = verdict.claims;
    return true;
  }
}

function refusalOf(reason: "invalid" | "expired" | "no-keys"): Error {
  if (reason === "no-keys")
    return new ServiceUnavailableException({
      error: "AUTH_UNAVAILABLE",
      message: "Sign-in cannot be checked now.",
    });
  if (reason === "expired")
    return new UnauthorizedException({ error: "TOKEN_EXPIRED", message: "The token has expired." });
  return new UnauthorizedException({ error: "TOKEN_INVALID", message: "The token is not valid." });
}
