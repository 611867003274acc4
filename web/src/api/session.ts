import { ApiFailure, call, keepToken, pastedToken } from "./client.ts";

export type User = { email: string; name: string; roles: readonly unknown[] };
export type Session =
  | { kind: "user"; user: User; permissions: readonly string[] }
  /** Signed in with a token that the operator pasted. */
  | { kind: "token" };
export type Entry = { kind: "in"; session: Session } | { kind: "sign in" } | { kind: "set up" };

type Loose = { status: number; json: unknown };

/** Endpoints of the sign-in, which answer before anybody is known. */
async function ask(method: string, path: string, body?: unknown): Promise<Loose> {
  const token = pastedToken();
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: {
      accept: "application/json",
      "x-roadstead-request": "1",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new ApiFailure(0, {
      code: "API_UNREACHABLE",
      message: "The control plane does not answer.",
      hint: "On the host: `./roadstead up`.",
    });
  });
  const json: unknown = await response.json().catch(() => ({}));
  return { status: response.status, json };
}

function refused({ status, json }: Loose): ApiFailure {
  const { error } = json as { error?: { code: string; message: string; hint?: string } };
  return new ApiFailure(
    status,
    error ?? { code: "API_ANSWER_UNKNOWN", message: `The answer was ${status}.` },
  );
}

/** Who is here, or what has to be done first. */
export async function findEntry(): Promise<Entry> {
  if (pastedToken() !== undefined) {
    try {
      await call("GET /version");
      return { kind: "in", session: { kind: "token" } };
    } catch (error) {
      if (!(error instanceof ApiFailure) || error.status !== 401) throw error;
      keepToken(undefined);
    }
  }
  const known = await ask("GET", "/session");
  if (known.status === 200) {
    const { user, permissions } = known.json as { user: User; permissions: readonly string[] };
    return { kind: "in", session: { kind: "user", user, permissions } };
  }
  const { json } = await ask("GET", "/setup");
  return { kind: (json as { needed?: boolean }).needed === true ? "set up" : "sign in" };
}

/** A second factor is needed: the code of the authenticator. */
export async function signIn(input: { email: string; password: string; code?: string }): Promise<void> {
  const answer = await ask("POST", "/session", input);
  if (answer.status >= 400) throw refused(answer);
}

export async function signInWithToken(token: string): Promise<void> {
  keepToken(token.trim());
  try {
    await call("GET /version");
  } catch (error) {
    keepToken(undefined);
    throw error;
  }
}

export async function setUp(input: {
  code: string;
  email: string;
  name: string;
  password: string;
}): Promise<void> {
  const answer = await ask("POST", "/setup", input);
  if (answer.status >= 400) throw refused(answer);
}

export async function signOut(session: Session): Promise<void> {
  if (session.kind === "user") await ask("DELETE", "/session");
  keepToken(undefined);
}
