import { type Answer, json, redirect } from "../shared/answer.ts";
import { Expiring } from "../shared/bounded.ts";
import type { Call, Json } from "../shared/call.ts";
import { clientCredentials, newSecret, redirectAllowed, verifierFits, withQuery } from "../shared/oauth.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { errorPage, signInPage } from "../shared/sign-in-page.ts";
import { botObject, memberObject, permissionsOf, userObject } from "./objects.ts";
import { botRoutes, mounted, type Rest, unauthorized, unknown } from "./rest.ts";
import type { User } from "./world.ts";

type Grant = { userId: string; scope: string };
type Code = Grant & { redirectUri: string; challenge: string };
const tokenLivesSeconds = 604_800;

/** Sign-in with Discord: authorisation page, tokens, and what a person's token may read. */
export class DiscordOauth {
  readonly #rest: Rest;
  readonly #codes = new Expiring<Code>(60_000);
  readonly #tokens = new Expiring<Grant>(tokenLivesSeconds * 1_000);
  readonly #refreshes = new Expiring<Grant>(30 * 86_400_000);

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  reset(): void {
    for (const kept of [this.#codes, this.#tokens, this.#refreshes]) kept.clear();
  }

  routes(): Routes {
    const authorize = (call: Call) => this.#authorize(call);
    const decide = (call: Call) => this.#decide(call);
    const bot = botRoutes(this.#rest, { "GET /users/@me": () => json(botObject(this.#rest.world.bot)) });
    return {
      "GET /oauth2/authorize": authorize,
      "POST /oauth2/authorize": decide,
      "GET /api/oauth2/authorize": authorize,
      "POST /api/oauth2/authorize": decide,
      ...mounted({
        "POST /oauth2/token": (call) => this.#token(call),
        "POST /oauth2/token/revoke": (call) => this.#revoke(call),
        // One path, two kinds of token.
        "GET /users/@me": (call) => {
          const isBot = call.header("authorization").startsWith("Bot ");
          return isBot ? bot["GET /api/users/@me"]?.(call) : this.#me(call);
        },
        "GET /users/@me/guilds": this.#bearer("guilds", (user) => json(this.#guildsOf(user))),
        "GET /users/@me/guilds/:guild/member": this.#bearer("guilds.members.read", (user, call) => {
          const member = this.#rest.world.guilds.get(call.param("guild"))?.members.get(user.id);
          return member ? json(memberObject(this.#rest.world, member)) : unknown.guild;
        }),
      }),
    };
  }

  #authorize(call: Call): Answer {
    const problem = this.#requestProblem(call);
    if (problem) return { status: 400, body: errorPage("Discord", problem) };
    const people = [...this.#rest.world.users.values()].filter(({ bot }) => !bot);
    const choices = people.map(({ id, username }) => ({ value: id, label: username }));
    return { status: 200, body: signInPage("Discord", `${call.url.pathname}${call.url.search}`, choices) };
  }

  #requestProblem({ url: { searchParams: query } }: Call): string | undefined {
    const { clientId, redirectUris } = this.#rest.settings;
    if (query.get("client_id") !== clientId) return "Unknown client";
    if (!redirectAllowed(redirectUris, query.get("redirect_uri") ?? "")) return "Invalid OAuth2 redirect_uri";
    if (query.get("response_type") !== "code") return "Only response_type=code is known";
    const method = query.get("code_challenge_method") ?? "S256";
    return query.has("code_challenge") && method !== "S256" ? "Only the S256 challenge is known" : undefined;
  }

  #decide(call: Call): Answer {
    const problem = this.#requestProblem(call);
    if (problem) return { status: 400, body: errorPage("Discord", problem) };
    const query = call.url.searchParams;
    const redirectUri = query.get("redirect_uri") ?? "";
    const state = query.get("state") ?? "";
    const user = this.#rest.world.users.get(call.fields()["person"] ?? "");
    if (!user) return redirect(withQuery(redirectUri, { error: "access_denied", state }));
    const code = newSecret();
    const scope = query.get("scope") ?? "identify";
    this.#codes.set(code, {
      userId: user.id,
      scope,
      redirectUri,
      challenge: query.get("code_challenge") ?? "",
    });
    return redirect(withQuery(redirectUri, { code, state }));
  }

  #token(call: Call): Answer {
    const fields = call.fields();
    if (!this.#clientIsRight(call, fields)) return json({ error: "invalid_client" }, 401);
    if (fields["grant_type"] === "authorization_code") {
      const code = this.#codes.take(fields["code"] ?? "");
      const fits = code && code.redirectUri === fields["redirect_uri"];
      if (!fits || !verifierFits(code.challenge, fields["code_verifier"] ?? ""))
        return json({ error: "invalid_grant", error_description: 'Invalid "code" in request.' }, 400);
      return this.#issue(code);
    }
    if (fields["grant_type"] !== "refresh_token") return json({ error: "unsupported_grant_type" }, 400);
    const grant = this.#refreshes.take(fields["refresh_token"] ?? "");
    return grant ? this.#issue(grant) : json({ error: "invalid_grant" }, 400);
  }

  #issue({ userId, scope }: Grant): Answer {
    const access = newSecret();
    const refresh = newSecret();
    this.#tokens.set(access, { userId, scope });
    this.#refreshes.set(refresh, { userId, scope });
    const token = { access_token: access, token_type: "Bearer", expires_in: tokenLivesSeconds };
    return json({ ...token, refresh_token: refresh, scope });
  }

  #revoke(call: Call): Answer {
    const fields = call.fields();
    if (!this.#clientIsRight(call, fields)) return json({ error: "invalid_client" }, 401);
    this.#tokens.take(fields["token"] ?? "");
    this.#refreshes.take(fields["token"] ?? "");
    return json({});
  }

  #clientIsRight(call: Call, fields: Record<string, string>): boolean {
    const { clientId, clientSecret } = this.#rest.settings;
    const given = clientCredentials(fields, call.header("authorization"));
    return given.id === clientId && given.secret === clientSecret;
  }

  #me(call: Call): Answer | undefined | Promise<Answer | undefined> {
    const grant = this.#grant(call);
    const withEmail = grant?.scope.split(/[ +]/).includes("email");
    const act = (user: User) =>
      json({
        ...userObject(user),
        locale: "en-US",
        mfa_enabled: false,
        ...(withEmail ? { email: user.email, verified: true } : {}),
      });
    return this.#bearer("identify", act)(call);
  }

  #grant(call: Call): Grant | undefined {
    const [kind = "", token = ""] = call.header("authorization").split(" ");
    return kind.toLowerCase() === "bearer" ? this.#tokens.get(token) : undefined;
  }

  #bearer(scope: string, act: (user: User, call: Call) => Answer): Handler {
    return (call) => {
      const grant = this.#grant(call);
      if (!grant) return unauthorized;
      if (!grant.scope.split(/[ +]/).includes(scope))
        return { status: 403, body: { message: "Missing Access", code: 50001 } };
      return act(this.#rest.world.user(grant.userId), call);
    };
  }

  #guildsOf(user: User): Json[] {
    const guilds = [...this.#rest.world.guilds.values()].filter((guild) => guild.members.has(user.id));
    return guilds.map((guild) => ({
      id: guild.id,
      name: guild.name,
      icon: null,
      banner: null,
      owner: guild.ownerId === user.id,
      permissions: permissionsOf(guild, user.id),
      features: [],
    }));
  }
}
