import { randomBytes } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/platform-error.ts";
import type { Store } from "../store/port.ts";
import { accessError } from "./errors.ts";
import type { User } from "./user.ts";
import type { UserBook } from "./user-book.ts";

/** An OpenID Connect provider that people may come by. `secret`: its version in the store's encrypted part. */
export type SignInProvider = {
  name: string;
  title: string;
  issuer: string;
  clientId: string;
  secret: string;
};

type Flow = {
  provider: string;
  verifier: string;
  state: string;
  nonce: string;
  redirectUri: string;
  until: number;
};

const collection = "signInProviders";
/** No stack can have this name, so these secrets meet no others. */
const scope = { stack: "@access", environment: "oidc" };
const flowMs = 10 * 60_000;
const flowsKept = 500;
const providersKept = 20;
const answerWithinSeconds = 10;

/**
 * Sign-in with accounts elsewhere: authorisation code with PKCE, state and nonce (OpenID Connect Core, RFC 7636). An
 * account is a person of ours by its id there, or at first by an e-mail address that the provider has verified.
 * A sign-in under way lives in memory only: after a restart one begins again.
 */
export class SignInProviders {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #users: UserBook;
  readonly #flows = new Map<string, Flow>();

  constructor(parts: { store: Store; clock: Clock; users: UserBook }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#users = parts.users;
  }

  list(): SignInProvider[] {
    return this.#store.records
      .list<SignInProvider>(collection, { limit: providersKept })
      .map(({ value }) => value);
  }

  save({
    clientSecret,
    ...facts
  }: Omit<SignInProvider, "secret"> & { clientSecret: string }): SignInProvider {
    const secret = this.#store.secrets.put(scope, facts.name, Buffer.from(clientSecret));
    const provider = { ...facts, secret };
    this.#store.records.put(collection, facts.name, provider);
    return provider;
  }

  remove(name: string): void {
    this.#store.records.remove(collection, name);
  }

  /** Where to send the browser, and what it must bring back in a cookie. Errors: `ACCESS_PROVIDER_UNKNOWN`, `ACCESS_PROVIDER_FAILED`. */
  async begin(name: string, redirectUri: string): Promise<{ url: string; flow: string }> {
    const provider = this.#known(name);
    const { client, configuration } = await this.#configured(provider);
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce, flow] = [
      client.randomState(),
      client.randomNonce(),
      randomBytes(24).toString("base64url"),
    ];
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: "openid email profile",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    this.#prune();
    const until = this.#clock.now() + flowMs;
    this.#flows.set(flow, { provider: name, verifier, state, nonce, redirectUri, until });
    return { url: url.href, flow };
  }

  /** Whose account came back. Errors: `ACCESS_PROVIDER_FAILED`, `ACCESS_NOT_INVITED`. */
  async finish(name: string, flowId: string, query: string): Promise<User> {
    const flow = this.#flows.get(flowId);
    this.#flows.delete(flowId);
    if (!flow || flow.provider !== name || flow.until <= this.#clock.now())
      throw accessError("ACCESS_PROVIDER_FAILED", "this sign-in did not begin here, or took too long");
    const { client, configuration } = await this.#configured(this.#known(name));
    try {
      const tokens = await client.authorizationCodeGrant(
        configuration,
        new URL(`${flow.redirectUri}?${query}`),
        {
          pkceCodeVerifier: flow.verifier,
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          idTokenExpected: true,
        },
      );
      const claims = tokens.claims();
      if (!claims) throw new Error("the provider sent no claims");
      const known = typeof claims["email"] === "string" ? claims : await userInfo();
      return this.#personOf(name, claims.sub, known);

      async function userInfo() {
        return await client.fetchUserInfo(configuration, tokens.access_token, claims?.sub ?? "");
      }
    } catch (error) {
      throw failed(name, error);
    }
  }

  #personOf(provider: string, subject: string, claims: Readonly<Record<string, unknown>>): User {
    const linked = this.#users
      .list()
      .find((user) => user.accounts?.some((one) => one.provider === provider && one.subject === subject));
    const { email } = claims;
    const verified = claims["email_verified"] === true && typeof email === "string";
    const user = linked ?? (verified ? this.#users.byEmail(email) : undefined);
    if (!user || user.disabledAt !== undefined)
      throw accessError("ACCESS_NOT_INVITED", "nobody here has this account");
    if (linked) return linked;
    return this.#users.update(user.id, (known) => ({
      ...known,
      accounts: [...(known.accounts ?? []), { provider, subject }],
    }));
  }

  #known(name: string): SignInProvider {
    const provider = this.#store.records.get<SignInProvider>(collection, name);
    if (!provider) throw accessError("ACCESS_PROVIDER_UNKNOWN", `there is no sign-in provider ${name}`);
    return provider;
  }

  /** Loaded at the first sign-in: most servers never need it. */
  async #configured(provider: SignInProvider) {
    const client = await import("openid-client");
    const secret = this.#store.secrets.get(scope, provider.name, provider.secret);
    const issuer = new URL(provider.issuer);
    try {
      const configuration = await client.discovery(
        issuer,
        provider.clientId,
        Buffer.from(secret ?? []).toString(),
        undefined,
        {
          timeout: answerWithinSeconds,
          ...(isLoopback(issuer) ? { execute: [client.allowInsecureRequests] } : {}),
        },
      );
      return { client, configuration };
    } catch (error) {
      throw failed(provider.name, error);
    }
  }

  #prune(): void {
    const now = this.#clock.now();
    for (const [id, { until }] of this.#flows) if (until <= now) this.#flows.delete(id);
    const oldest = this.#flows.keys().next().value;
    if (this.#flows.size >= flowsKept && oldest !== undefined) this.#flows.delete(oldest);
  }
}

function failed(name: string, error: unknown): unknown {
  if (error instanceof Error && "code" in error && String(error.code).startsWith("ACCESS_")) return error;
  return accessError("ACCESS_PROVIDER_FAILED", `signing in with ${name} failed: ${messageOf(error)}`, error);
}

/** A provider in plain HTTP is believed on this machine only. */
function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}
