export type Person = { id: string; name: string; role: "member" | "arbiter"; avatar: string | null };
export type Purchase = {
  _id: string;
  title: string;
  description: string;
  budgetCents: number;
  image: string | null;
  buyer: string;
};
export type Offer = { _id: string; seller: string; sellerName: string; cents: number; note: string };
export type Deal = {
  _id: string;
  title: string;
  buyer: string;
  buyerName: string;
  seller: string;
  sellerName: string;
  cents: number;
  paidCents: number;
  state: "awaiting-payment" | "funded" | "disputed" | "released" | "decided";
  events: { sequence: number; kind: string; reason?: string; cents?: number }[];
  files: { id: string; kind: string; type: string; bytes: number }[];
};
type Session = { accessToken: string; user: Person };

let session: Session | undefined;
let refreshing: Promise<Session | undefined> | undefined;

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The access token lives in memory only; the refresh token is a cookie that scripts cannot read. */
export function restore(): Promise<Session | undefined> {
  refreshing ??= fetch("/api/auth/refresh", { method: "POST" })
    .then(async (response) => {
      session = response.ok ? ((await response.json()) as Session) : undefined;
      return session;
    })
    .finally(() => {
      refreshing = undefined;
    });
  return refreshing;
}

export async function signIn(path: "register" | "login", body: Record<string, string>): Promise<Person> {
  session = await call<Session>(`/auth/${path}`, { json: body });
  return session.user;
}

export async function signOut(): Promise<void> {
  await call("/auth/logout", { method: "POST" }).catch(() => undefined);
  session = undefined;
}

export async function accessToken(): Promise<string> {
  return (session ?? (await restore()))?.accessToken ?? "";
}

/** For a socket that was refused: the token has run out. */
export function forget(): void {
  session = undefined;
}

type Options = { method?: string; json?: unknown; file?: File };

/** One call to the API; an access token that ran out is replaced once. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const first = await send(path, options);
  const response = first.status === 401 && session && (await restore()) ? await send(path, options) : first;
  if (response.status === 204) return undefined as T;
  const body = (await response.json().catch(() => ({}))) as T & { message?: string };
  if (!response.ok)
    throw new ApiError(response.status, body.message ?? `the server answered ${response.status}`);
  return body;
}

function send(path: string, { method, json, file }: Options): Promise<Response> {
  const headers = new Headers();
  if (session) headers.set("authorization", `Bearer ${session.accessToken}`);
  if (json !== undefined) headers.set("content-type", "application/json");
  if (file) headers.set("content-type", file.type);
  const body = file ?? (json === undefined ? null : JSON.stringify(json));
  return fetch(`/api${path}`, { method: method ?? (body === null ? "GET" : "POST"), headers, body });
}

export const money = (cents: number) => `$${(cents / 100).toFixed(2)}`;
