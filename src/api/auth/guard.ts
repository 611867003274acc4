import type { Access } from "../../access/access.ts";
import type { User } from "../../access/user.ts";
import type { Clock } from "../../lib/clock.ts";
import { FailureLimit } from "../../lib/failure-limit.ts";
import { adminEverywhere, limitedBy } from "../../policy/permissions.ts";
import type { ApiToken, Store } from "../../store/port.ts";
import { apiError } from "../errors.ts";
import type { Identity } from "./identity.ts";
import { requireTls } from "./require-tls.ts";
import { sessionIdOf } from "./session-cookie.ts";
import { findToken } from "./token.ts";

/** `lastUsedAt` is for people: once a minute is exact enough and spares a write for every request. */
const touchEveryMs = 60_000;

export type Caller = {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  address: string;
  /** Came by TLS. @default false */
  secure?: boolean;
};

/** What a request does, for the rules that only browsers need: `upgrade` is a WebSocket, which can change things too. */
export type Kind = "read" | "change" | "upgrade";

/**
 * Decides who calls: a bearer token or the cookie of a session, and a Host and Origin that no foreign web page can
 * bring about. The failures of an address are limited; a valid token passes always, so that nobody can lock an
 * operator out.
 */
export class Guard {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #access: Access;
  readonly #allowedHosts: readonly string[];
  readonly #failures: FailureLimit;

  constructor(parts: { store: Store; clock: Clock; access: Access; allowedHosts?: readonly string[] }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#access = parts.access;
    this.#allowedHosts = parts.allowedHosts ?? [];
    this.#failures = new FailureLimit(parts.clock);
  }

  /**
   * Errors: `API_TOKEN_MISSING`, `API_TOKEN_INVALID`, `API_TOKEN_EXPIRED`, `API_SESSION_OVER`, `API_CSRF_REFUSED`,
   * `API_TOO_MANY_FAILURES`.
   */
  authenticate(caller: Caller, kind: Kind): Identity {
    const session = first(caller.headers["authorization"]) === "" ? sessionIdOf(caller.headers) : undefined;
    return session === undefined ? this.#byToken(caller) : this.#bySession(caller, session, kind);
  }

  /**
   * Against DNS rebinding a name must be a known one (an attacker's page always comes with its own name), and a
   * browser's Origin must be this server. Errors: `API_HOST_REFUSED`, `API_ORIGIN_REFUSED`.
   */
  checkOrigin(caller: Caller): void {
    const host = first(caller.headers["host"]);
    if (!this.#isOwnHost(host))
      throw apiError("API_HOST_REFUSED", `the host name ${shown(host)} is not served here`);
    const origin = first(caller.headers["origin"]);
    if (origin !== "" && !isOwnOrigin(origin, host))
      throw apiError("API_ORIGIN_REFUSED", `requests of the page ${shown(origin)} are refused`);
  }

  /** Seconds until an address may fail again. */
  retryAfterSeconds(address: string): number {
    return this.#failures.retryAfterSeconds(address);
  }

  #bySession(caller: Caller, id: string, kind: Kind): Identity {
    requireTls({ secure: caller.secure ?? false, address: caller.address });
    const found = this.#access.sessions.find(id);
    if (!found) throw apiError("API_SESSION_OVER", "you are signed out");
    const { headers } = caller;
    // A browser sends the cookie along whoever made the request; only a page of ours can add these.
    const ownPage = isOwnOrigin(first(headers["origin"]), first(headers["host"]));
    const marked = first(headers["x-roadstead-request"]) === "1";
    if ((kind === "upgrade" && !ownPage) || (kind === "change" && !(ownPage && marked)))
      throw apiError("API_CSRF_REFUSED", "a change with a session cookie must come from this server's page");
    return { ...identityOf(found.user), session: found.hash };
  }

  #byToken(caller: Caller): Identity {
    const [, secret] = /^Bearer ([A-Za-z0-9_-]{1,200})$/i.exec(first(caller.headers["authorization"])) ?? [];
    const token = secret === undefined ? undefined : findToken(this.#store, secret);
    if (!token) throw this.#refusal(caller, secret);
    const now = this.#clock.now();
    if (token.expiresAt !== undefined && token.expiresAt <= now)
      throw apiError("API_TOKEN_EXPIRED", `the token ${token.name} has expired`);
    const identity = this.#identityOfToken(token);
    if (!identity) throw this.#refusal(caller, secret);
    if (now - (token.lastUsedAt ?? 0) >= touchEveryMs) this.#store.tokens.touch(token.id, now);
    return identity;
  }

  /** Undefined: its maker is disabled or gone. */
  #identityOfToken({ name, owner, grants = adminEverywhere }: ApiToken): Identity | undefined {
    if (owner === undefined) return { name, aliases: [], grants };
    const user = this.#access.users.get(owner);
    if (!user || user.disabledAt !== undefined) return undefined;
    return { ...identityOf(user), grants: limitedBy(grants, user.grants) };
  }

  #refusal(caller: Caller, secret: string | undefined): Error {
    if (first(caller.headers["authorization"]) === "")
      return apiError("API_TOKEN_MISSING", "this needs an API token or a session");
    if (!this.#failures.count(caller.address))
      return apiError("API_TOO_MANY_FAILURES", "too many wrong tokens from this address");
    return apiError(
      "API_TOKEN_INVALID",
      secret === undefined ? "the authorization header is no bearer token" : "the API token is not valid",
    );
  }

  #isOwnHost(host: string): boolean {
    const name = /^(\[[0-9a-fA-F:.]+\]|[^:]+)(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase();
    if (name === undefined) return false;
    if (name === "localhost" || name.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name)) return true;
    return this.#allowedHosts.some((allowed) => allowed.toLowerCase() === name);
  }
}

function identityOf({ id, email, name, grants }: User): Identity {
  return { name: email, aliases: [name], grants, user: id };
}

function isOwnOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}
