import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import Provider, { type Adapter, type AdapterPayload, type Configuration, type JWK } from "oidc-provider";
import type { Answer } from "../shared/answer.ts";
import type { Call } from "../shared/call.ts";
import { redirectAllowed } from "../shared/oauth.ts";
import { errorPage, signInPage } from "../shared/sign-in-page.ts";
import { OidcStore } from "./oidc-store.ts";
import type { People, Person } from "./people.ts";
import type { IdentitySettings } from "./settings.ts";

const paths = {
  authorization: "/o/oauth2/v2/auth",
  token: "/token",
  userinfo: "/v1/userinfo",
  jwks: "/oauth2/v3/certs",
  revocation: "/revoke",
};
const discovery = "/.well-known/openid-configuration";

/** Sign-in with Google: an OpenID provider at Google's paths. */
export class Google {
  readonly #provider: Provider;
  readonly #people: People;
  readonly #handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;

  constructor(issuer: string, settings: IdentitySettings, people: People) {
    this.#people = people;
    this.#provider = new Provider(issuer, configuration(settings, people));
    this.#provider.use(async (context, next) => {
      await next();
      // The browser is sent to where it can reach us; servers call us by the name that they know.
      if (context.path === discovery && typeof context.body === "object" && context.body !== null)
        Object.assign(context.body, { authorization_endpoint: `${issuer}${paths.authorization}` });
    });
    this.#handle = this.#provider.callback();
  }

  /** True when the request is the provider's own. */
  takeOver(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const own = [discovery, ...Object.values(paths)];
    if (!own.includes(path) && !path.startsWith(`${paths.authorization}/`)) return false;
    if (path === paths.authorization) prepareAuthorization(request);
    if (path.startsWith(paths.authorization)) forgetSession(request);
    this.#handle(request, response).catch((error: unknown) => {
      process.stderr.write(`identity: ${String(error)}\n`);
      response.destroy();
    });
    return true;
  }

  async page(call: Call): Promise<Answer> {
    const known = await this.#provider.interactionDetails(call.request, call.response).catch(() => undefined);
    if (!known)
      return { status: 400, body: errorPage("Google", "This sign-in has expired. Please start again.") };
    return { status: 200, body: signInPage("Google", call.url.pathname, this.#people.choices) };
  }

  async decide(call: Call): Promise<Answer | undefined> {
    const person = this.#people.byEmail(call.fields()["person"] ?? "");
    const result = person
      ? { login: { accountId: person.id, remember: false }, consent: {} }
      : { error: "access_denied", error_description: "The person cancelled" };
    try {
      await this.#provider.interactionFinished(call.request, call.response, result);
      return undefined;
    } catch {
      return { status: 400, body: errorPage("Google", "This sign-in has expired. Please start again.") };
    }
  }
}

/** Google's own parameters in the words of the standard. */
function prepareAuthorization(request: IncomingMessage): void {
  const url = new URL(request.url ?? "/", "http://identity");
  const query = url.searchParams;
  const offline = query.get("access_type") === "offline";
  query.delete("access_type");
  if (offline) query.set("scope", `${query.get("scope") ?? ""} offline_access`.trim());
  const wantsOffline = (query.get("scope") ?? "").split(" ").includes("offline_access");
  if (wantsOffline) query.set("prompt", "consent");
  else if (query.get("prompt") !== "none") query.delete("prompt");
  request.url = `${url.pathname}?${query}`;
}

/** Every sign-in asks, on its way there and back: else the return of a second person would sign out the first. */
function forgetSession(request: IncomingMessage): void {
  const cookies = (request.headers.cookie ?? "").split(/; */);
  request.headers.cookie = cookies.filter((cookie) => !cookie.startsWith("_session")).join("; ");
}

function configuration(settings: IdentitySettings, people: People): Configuration {
  return {
    adapter: (model) => (model === "Client" ? new ClientStore(settings) : new OidcStore(model)),
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(24).toString("hex")] },
    routes: paths,
    scopes: ["openid", "email", "profile", "offline_access"],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "given_name", "family_name", "picture"],
    },
    conformIdTokenClaims: false,
    responseTypes: ["code"],
    pkce: { required: () => false },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_context, id) => {
      const person = people.byId(id);
      return person && { accountId: id, claims: () => claimsOf(person) };
    },
    loadExistingGrant: async (context) => {
      const { client, provider, session } = context.oidc;
      if (!client || !session?.accountId) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email profile offline_access");
      await grant.save();
      return grant;
    },
    renderError: (context, out) => {
      context.type = "html";
      context.body = errorPage("Google", `${out.error}: ${out.error_description ?? ""}`);
    },
    ttl: {
      AccessToken: 3_600,
      AuthorizationCode: 60,
      IdToken: 3_600,
      Interaction: 600,
      Session: 600,
      Grant: 86_400,
      RefreshToken: 30 * 86_400,
    },
  };
}

function claimsOf({ id, email, name, emailVerified }: Person): { sub: string } & Record<string, unknown> {
  const [given = "", ...family] = name.split(" ");
  return {
    sub: id,
    email,
    email_verified: emailVerified,
    name,
    given_name: given,
    family_name: family.join(" "),
    picture: `https://lh3.googleusercontent.com/a/${id}`,
  };
}

function signingKey(): JWK {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const key = privateKey.export({ format: "jwk" });
  return { ...key, kid: randomBytes(8).toString("hex"), use: "sig", alg: "RS256" } as JWK;
}

/** The one client. Google takes the secret in the body or by Basic, and our redirect URIs may leave the port open. */
class ClientStore implements Adapter {
  readonly #settings: IdentitySettings;

  constructor(settings: IdentitySettings) {
    this.#settings = settings;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const { clientId, clientSecret, redirectUris } = this.#settings;
    if (id !== clientId) return undefined;
    const context = Provider.ctx;
    const basic = context?.get("authorization").toLowerCase().startsWith("basic ") ?? false;
    const wanted = context?.oidc.params?.["redirect_uri"];
    const fits = typeof wanted === "string" && redirectAllowed(redirectUris, wanted);
    return {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [fits ? wanted : "https://unregistered.invalid/"],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: basic ? "client_secret_basic" : "client_secret_post",
    };
  }

  upsert = refuse;
  findByUid = refuse;
  findByUserCode = refuse;
  consume = refuse;
  destroy = refuse;
  revokeByGrantId = refuse;
}

async function refuse(): Promise<never> {
  throw new Error("clients come from the environment");
}
