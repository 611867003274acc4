import { z } from "zod";
import type { Settings } from "../settings.ts";
import { askOnce } from "./ask-once.ts";
import type { Session } from "./sessions.ts";

const administrator = 1n << 3n;
const manageGuild = 1n << 5n;
const timeoutMs = 5_000;

const tokenSchema = z.object({ access_token: z.string() });
const userSchema = z.object({ id: z.string(), username: z.string() });
const guildsSchema = z.array(z.object({ id: z.string(), permissions: z.string().regex(/^\d+$/) }));
const memberSchema = z.object({ roles: z.array(z.string()) });

/** Discord's OAuth2 sign-in: authorization code with PKCE. */
export class DiscordOAuth {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get redirectUri(): string {
    return new URL("/auth/callback", this.#settings.PUBLIC_URL).href;
  }

  signInUrl(state: string, codeChallenge: string): string {
    const url = new URL(this.#settings.DISCORD_AUTHORIZE_URL);
    const roles = this.#settings.ADMIN_ROLE_IDS.length > 0 ? " guilds.members.read" : "";
    const query = {
      response_type: "code",
      client_id: this.#settings.DISCORD_CLIENT_ID,
      redirect_uri: this.redirectUri,
      scope: `identify guilds${roles}`,
      state,
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url.href;
  }

  /** Who signed in, and which guilds this person may administer. `undefined`: Discord does not accept the code. */
  async redeem(code: string, codeVerifier: string): Promise<Session | undefined> {
    const { DISCORD_API, DISCORD_CLIENT_ID, DISCORD_CLIENT_SECRET } = this.#settings;
    const form = {
      grant_type: "authorization_code",
      code,
      redirect_uri: this.redirectUri,
      code_verifier: codeVerifier,
      client_id: DISCORD_CLIENT_ID,
      client_secret: DISCORD_CLIENT_SECRET,
    };
    const { status, text } = await askOnce(new URL(`${DISCORD_API}/oauth2/token`), { form, timeoutMs });
    if (status === 400) return undefined;
    if (status !== 200) throw new Error(`Discord's token endpoint answered ${status}`);
    const { access_token: token } = tokenSchema.parse(JSON.parse(text));
    const user = userSchema.parse(await this.#get("/users/@me", token));
    return { userId: user.id, userName: user.username, guildIds: await this.#administered(token) };
  }

  async #administered(token: string): Promise<string[]> {
    const guilds = guildsSchema.parse(await this.#get("/users/@me/guilds", token));
    const allowed: string[] = [];
    for (const { id, permissions } of guilds) {
      const may = (BigInt(permissions) & (administrator | manageGuild)) !== 0n;
      if (may || (await this.#hasRole(id, token))) allowed.push(id);
    }
    return allowed;
  }

  async #hasRole(guildId: string, token: string): Promise<boolean> {
    const { ADMIN_ROLE_IDS } = this.#settings;
    if (ADMIN_ROLE_IDS.length === 0) return false;
    const { roles } = memberSchema.parse(await this.#get(`/users/@me/guilds/${guildId}/member`, token));
    return roles.some((role) => ADMIN_ROLE_IDS.includes(role));
  }

  async #get(path: string, token: string): Promise<unknown> {
    const { status, text } = await askOnce(new URL(`${this.#settings.DISCORD_API}${path}`), {
      headers: { authorization: `Bearer ${token}` },
      timeoutMs,
    });
    if (status !== 200) throw new Error(`Discord answered ${status} to ${path}`);
    return JSON.parse(text) as unknown;
  }
}
