export type GuildSettings = {
  unit: "km" | "mi";
  rateCents: number;
  currency: string;
  dailiesEnabled: boolean;
  dailiesHour: number;
  dailiesChannelId: string | null;
};
export type GuildConfig = GuildSettings & {
  guildId: string;
  name: string;
  version: number;
  updatedBy: string;
};
export type Entry = {
  id: string;
  driverName: string;
  distanceM: number;
  drivenOn: string;
  note: string;
  source: string;
};
export type EntryPage = { entries: Entry[]; before?: string };
export type Queue = { waiting: number; rejected: number; gaveUp: boolean; lastError?: string };

/** An answer of the admin API that is no success. 401 means: sign in again. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function ask<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    signal: AbortSignal.timeout(40_000),
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  if (response.status === 204) return undefined as T;
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as T;
  const { message = `the server answered ${response.status}` } = answer as { message?: string };
  throw new ApiError(response.status, message);
}

/** Leads to Discord and back to the page of now. */
export function signInLink(): string {
  return `/auth/login?returnTo=${encodeURIComponent(`${location.pathname}${location.search}`)}`;
}
