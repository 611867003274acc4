import type { Clock } from "../../lib/clock.ts";
import type { ApiToken, Store } from "../../store/port.ts";
import { apiError } from "../errors.ts";
import { FailureLimit } from "./failure-limit.ts";
import { findToken } from "./token.ts";

/** `lastUsedAt` is for people: once a minute is exact enough and spares a write for every request. */
const touchEveryMs = 60_000;

export type Caller = { headers: Readonly<Record<string, string | string[] | undefined>>; address: string };

/**
 * Decides who may call: a bearer token, and a Host and Origin that no foreign web page can bring about. The failures
 * of an address are limited; a valid token passes always, so that nobody can lock an operator out.
 */
export class Guard {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #allowedHosts: readonly string[];
  readonly #failures: FailureLimit;

  constructor(parts: { store: Store; clock: Clock; allowedHosts?: readonly string[] }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#allowedHosts = parts.allowedHosts ?? [];
    this.#failures = new FailureLimit(parts.clock);
  }

  /** Errors: `API_TOKEN_MISSING`, `API_TOKEN_INVALID`, `API_TOO_MANY_FAILURES`. */
  authenticate(caller: Caller): ApiToken {
    const [, secret] = /^Bearer ([A-Za-z0-9_-]{1,200})$/i.exec(first(caller.headers["authorization"])) ?? [];
    const token = secret === undefined ? undefined : findToken(this.#store, secret);
    if (!token) throw this.#refusal(caller, secret);
    const now = this.#clock.now();
    if (now - (token.lastUsedAt ?? 0) >= touchEveryMs) this.#store.tokens.touch(token.id, now);
    return token;
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
    if (origin !== "" && origin !== `http://${host}` && origin !== `https://${host}`)
      throw apiError("API_ORIGIN_REFUSED", `requests of the page ${shown(origin)} are refused`);
  }

  /** Seconds until an address may fail again. */
  retryAfterSeconds(address: string): number {
    return this.#failures.retryAfterSeconds(address);
  }

  #refusal(caller: Caller, secret: string | undefined): Error {
    if (first(caller.headers["authorization"]) === "")
      return apiError("API_TOKEN_MISSING", "this needs an API token");
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

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}
