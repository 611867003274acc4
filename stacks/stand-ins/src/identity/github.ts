import { type Answer, json, redirect } from "../shared/answer.ts";
import { Expiring } from "../shared/bounded.ts";
import type { Call, Json } from "../shared/call.ts";
import { clientCredentials, newSecret, redirectAllowed, verifierFits, withQuery } from "../shared/oauth.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { errorPage, signInPage } from "../shared/sign-in-page.ts";
import type { People, Person } from "./people.ts";
import type { IdentitySettings } from "./settings.ts";

type Code = { personId: string; scope: string; redirectUri: string; challenge: string };
type Token = { personId: string; scope: string };

/** Sign-in with GitHub: plain OAuth 2, with GitHub's habit of reporting errors with status 200. */
export class Github {
  readonly #settings: IdentitySettings;
  readonly #people: People;
  readonly #codes = new Expiring<Code>(600_000);
  readonly #tokens = new Expiring<Token>(8 * 3_600_000);

  constructor(settings: IdentitySettings, people: People) {
    this.#settings = settings;
    this.#people = people;
  }

  reset(): void {
    this.#codes.clear();
    this.#tokens.clear();
  }

  routes(): Routes {
    const user = this.#signedIn((person) => json(userObject(person)));
    const emails = this.#signedIn((person, scopes) => {
      if (!scopes.includes("user:email") && !scopes.includes("user"))
        return json({ message: "Not Found" }, 404);
      const { email, emailVerified } = person;
      return json([{ email, primary: true, verified: emailVerified, visibility: "public" }]);
    });
    return {
      "GET /login/oauth/authorize": (call) => this.#page(call),
      "POST /login/oauth/authorize": (call) => this.#decide(call),
      "POST /login/oauth/access_token": (call) => this.#token(call),
      "GET /user": user,
      "GET /user/emails": emails,
      "GET /api/v3/user": user,
      "GET /api/v3/user/emails": emails,
    };
  }

  #page(call: Call): Answer {
    const problem = this.#problem(call);
    if (problem) return { status: 400, body: errorPage("GitHub", problem) };
    return {
      status: 200,
      body: signInPage("GitHub", `${call.url.pathname}${call.url.search}`, this.#people.choices),
    };
  }

  #problem({ url: { searchParams: query } }: Call): string | undefined {
    if (query.get("client_id") !== this.#settings.clientId) return "There is no such application.";
    if (!redirectAllowed(this.#settings.redirectUris, query.get("redirect_uri") ?? ""))
      return "The redirect_uri is not associated with this application.";
    const method = query.get("code_challenge_method") ?? "S256";
    return query.has("code_challenge") && method !== "S256" ? "Only the S256 challenge is known." : undefined;
  }

  #decide(call: Call): Answer {
    const problem = this.#problem(call);
    if (problem) return { status: 400, body: errorPage("GitHub", problem) };
    const query = call.url.searchParams;
    const redirectUri = query.get("redirect_uri") ?? "";
    const state = query.get("state") ?? "";
    const person = this.#people.byEmail(call.fields()["person"] ?? "");
    if (!person) return redirect(withQuery(redirectUri, { error: "access_denied", state }));
    const code = newSecret();
    const scope = query.get("scope") ?? "";
    this.#codes.set(code, {
      personId: person.id,
      scope,
      redirectUri,
      challenge: query.get("code_challenge") ?? "",
    });
    return redirect(withQuery(redirectUri, { code, state }));
  }

  #token(call: Call): Answer {
    const fields = call.fields();
    const { id, secret } = clientCredentials(fields, call.header("authorization"));
    const isClient = id === this.#settings.clientId && secret === this.#settings.clientSecret;
    if (!isClient) return worded(call, { error: "incorrect_client_credentials" });
    const code = this.#codes.take(fields["code"] ?? "");
    if (!code || !verifierFits(code.challenge, fields["code_verifier"] ?? ""))
      return worded(call, {
        error: "bad_verification_code",
        error_description: "The code passed is incorrect or expired.",
      });
    if (fields["redirect_uri"] && fields["redirect_uri"] !== code.redirectUri)
      return worded(call, { error: "redirect_uri_mismatch" });
    const token = `gho_${newSecret()}`;
    this.#tokens.set(token, { personId: code.personId, scope: code.scope });
    return worded(call, { access_token: token, scope: scopesOf(code.scope).join(","), token_type: "bearer" });
  }

  #signedIn(act: (person: Person, scopes: string[]) => Answer): Handler {
    return (call) => {
      const token = /^(?:bearer|token) (.+)$/i.exec(call.header("authorization"))?.[1] ?? "";
      const grant = this.#tokens.get(token);
      const person = grant && this.#people.byId(grant.personId);
      if (!grant || !person) return json({ message: "Bad credentials", status: "401" }, 401);
      const scopes = scopesOf(grant.scope);
      const answer = act(person, scopes);
      return { ...answer, headers: { "x-oauth-scopes": scopes.join(", ") } };
    };
  }
}

const scopesOf = (scope: string): string[] => scope.split(/[ ,+]+/).filter((one) => one !== "");

function worded(call: Call, fields: Record<string, string>): Answer {
  if (call.header("accept").includes("json")) return json(fields);
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  return { status: 200, body: new URLSearchParams(fields).toString(), headers };
}

function userObject({ id, email, name }: Person): Json {
  return {
    login: email.split("@")[0] ?? email,
    id: Number(id),
    node_id: Buffer.from(`User${id}`).toString("base64"),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}`,
    html_url: `https://github.com/${email.split("@")[0]}`,
    type: "User",
    name,
    email,
    created_at: "2020-01-01T00:00:00Z",
    updated_at: "2020-01-01T00:00:00Z",
  };
}
