import type { Clock } from "../../../lib/clock.ts";
import { messageOf } from "../../../lib/platform-error.ts";
import { RegistryError } from "../../errors.ts";
import type { LoginOf, RegistryLogin } from "../../port.ts";
import { refuse } from "./answer.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import { checkTransport, type Endpoint } from "./endpoint.ts";
import { askForToken, basic } from "./token.ts";

const requestLimitMs = 20_000;
/** For one piece of a blob on a slow line. */
const uploadLimitMs = 180_000;
const maxRedirects = 5;
/** Beyond this the oldest are forgotten and asked for again. */
const maxTokens = 500;

export type ClientOptions = {
  loginOf: LoginOf;
  /** Hosts that may be asked without TLS, e.g. `registry.lan:5000`. */
  insecure: readonly string[];
  clock: Clock;
};

/** One request. What has a body is sent again with it after a challenge. */
export type RegistryRequest = {
  method: "GET" | "HEAD" | "POST" | "PATCH" | "PUT" | "DELETE";
  address: string;
  accept?: string;
  body?: Uint8Array;
  headers?: Readonly<Record<string, string>>;
};

type Authorization = { header: string; until: number };

/** Requests to registries: authentication as each one asks for it, redirects, time limits. */
export class RegistryClient {
  readonly #options: ClientOptions;
  /** By registry and repository: a token is for one of each. */
  readonly #known = new Map<string, Authorization>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** An answer with a status below 400, or 404; everything else is a `RegistryError`. */
  async ask(endpoint: Endpoint, request: RegistryRequest, signal: AbortSignal): Promise<Response> {
    const url = new URL(request.address, endpoint.root);
    if (url.origin !== new URL(endpoint.root).origin)
      throw new RegistryError(
        "REGISTRY_ANSWER_INVALID",
        `${endpoint.registry} points to another host for itself`,
      );
    const limitMs = request.body === undefined ? requestLimitMs : uploadLimitMs;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    const key = `${endpoint.registry}/${endpoint.path}`;
    const known = this.#known.get(key);
    const fresh = known && known.until > this.#options.clock.now() ? known.header : undefined;
    try {
      const first = await this.#send(url, { ...request, authorization: fresh }, limited);
      if (first.status !== 401) return this.#checked(endpoint, first);
      const challenge = parseChallenge(first.headers.get("www-authenticate"));
      await first.body?.cancel();
      const authorization = await this.#answer(endpoint, challenge, limited);
      this.#remember(key, authorization);
      const second = await this.#send(url, { ...request, authorization: authorization.header }, limited);
      return this.#checked(endpoint, second);
    } catch (error) {
      if (error instanceof RegistryError || signal.aborted) throw error;
      const why = limited.aborted ? `no answer within ${limitMs / 1000} s` : reasonOf(error);
      throw new RegistryError("REGISTRY_UNREACHABLE", `${endpoint.registry}: ${why}`, { cause: error });
    }
  }

  #checked(endpoint: Endpoint, response: Response): Response {
    if (response.status < 400 || response.status === 404) return response;
    void response.body?.cancel();
    throw refuse(endpoint.registry, response);
  }

  /** Blobs often lie elsewhere: the login stays with the registry. */
  async #send(
    url: URL,
    request: RegistryRequest & { authorization: string | undefined },
    signal: AbortSignal,
  ): Promise<Response> {
    let target = url;
    for (let hop = 0; hop <= maxRedirects; hop += 1) {
      checkTransport(target, this.#options.insecure);
      const own = target.origin === url.origin;
      const response = await fetch(target, {
        method: request.method,
        redirect: "manual",
        signal,
        ...(request.body === undefined ? {} : { body: request.body }),
        headers: {
          "user-agent": "roadstead",
          ...request.headers,
          ...(request.accept === undefined ? {} : { accept: request.accept }),
          ...(own && request.authorization !== undefined ? { authorization: request.authorization } : {}),
        },
      });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || location === null) return response;
      if (request.method !== "GET" && request.method !== "HEAD") {
        await response.body?.cancel();
        throw new RegistryError("REGISTRY_ANSWER_INVALID", `${url.host} redirects what is sent to it`);
      }
      await response.body?.cancel();
      target = new URL(location, target);
    }
    throw new RegistryError(
      "REGISTRY_ANSWER_INVALID",
      `${url.host} redirects more than ${maxRedirects} times`,
    );
  }

  #remember(key: string, authorization: Authorization): void {
    this.#known.delete(key);
    const oldest = this.#known.size >= maxTokens ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, authorization);
  }

  async #answer(
    endpoint: Endpoint,
    challenge: Challenge | undefined,
    signal: AbortSignal,
  ): Promise<Authorization> {
    const { registry } = endpoint;
    const login = await this.#options.loginOf(registry, signal);
    if (challenge?.scheme === "bearer") return await this.#token(endpoint, challenge, login, signal);
    if (challenge?.scheme === "basic" && login && "password" in login)
      return { header: basic(login), until: Number.POSITIVE_INFINITY };
    throw new RegistryError(
      "REGISTRY_DENIED",
      login ? `${registry} does not take the stored login` : `${registry} wants a login, and none is stored`,
    );
  }

  async #token(
    { registry, path }: Endpoint,
    { parameters }: Challenge,
    login: RegistryLogin | undefined,
    signal: AbortSignal,
  ): Promise<Authorization> {
    const { realm = "", service = registry, scope = `repository:${path}:pull` } = parameters;
    if (!URL.canParse(realm))
      throw new RegistryError("REGISTRY_ANSWER_INVALID", `${registry} names no token server`);
    const url = new URL(realm);
    checkTransport(url, this.#options.insecure);
    const now = this.#options.clock.now();
    const { token, seconds } = await askForToken(url, { registry, service, scope, login }, signal);
    // A little early, so that it does not end on the way.
    return { header: `Bearer ${token}`, until: now + Math.max(0, seconds - 10) * 1000 };
  }
}

/** `fetch` hides why it failed in its cause. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}
