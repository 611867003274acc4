export type User = { id: string; name: string; email: string };
export type Language = { code: string; name: string; nativeName: string };
export type Card = { id: string; front: string; back: string };
export type Summary = { language: string; total: number; studied: number; due: number };
export type Study = { card: Card | null; summary: Summary };
export type SignInOptions = { providers: string[]; googleIsFull: boolean };

/** What the API said no to, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Api = ReturnType<typeof createApi>;

const timeoutMs = 15_000;

/** The API lives on a subdomain of its own, so every request asks for the cookie to go along. */
export function createApi(base: string) {
  async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    const answer = await fetch(`${base}${path}`, {
      ...init,
      credentials: "include",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await answer.text();
    const body = text === "" ? undefined : JSON.parse(text);
    if (!answer.ok) throw new ApiError(answer.status, body?.message ?? `the API answered ${answer.status}`);
    return body;
  }
  const send = <T>(method: "POST" | "PUT", path: string, body: unknown) =>
    ask<T>(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

  return {
    me: () => ask<{ user: User | null; language: string | null }>("/api/me"),
    signInOptions: () => ask<SignInOptions>("/api/sign-in"),
    languages: () => ask<Language[]>("/api/languages"),
    study: () => ask<Study>("/api/study"),
    chooseLanguage: (code: string) => send("PUT", "/api/me/language", { code }),
    /** The id makes a repeated request count once. */
    answer: (id: string, cardId: string, known: boolean) =>
      send("POST", "/api/study/answers", { id, cardId, known }),
    signOut: () => send("POST", "/api/auth/sign-out", {}),
    async signIn(provider: string): Promise<never> {
      const { url } = await send<{ url: string }>("POST", "/api/auth/sign-in/social", {
        provider,
        callbackURL: `${location.origin}/study`,
        errorCallbackURL: `${location.origin}/sign-in`,
      });
      location.assign(url);
      return new Promise(() => undefined);
    },
  };
}
