import type { WhoView } from "../../../src/api/contract/access.ts";
import { ApiFailure, call, keepToken, pastedToken } from "./client.ts";

export type Session = WhoView & { way: "account" | "token" };
export type Entry = { kind: "in"; session: Session } | { kind: "sign in" } | { kind: "set up" };

/** Who is here, or what has to be done first. */
export async function findEntry(): Promise<Entry> {
  try {
    const who = await call("GET /session");
    return { kind: "in", session: { ...who, way: pastedToken() === undefined ? "account" : "token" } };
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.status !== 401) throw error;
    keepToken(undefined);
  }
  const { needed } = await call("GET /setup");
  return { kind: needed ? "set up" : "sign in" };
}

/** Keeps the token for this tab if it is a right one. */
export async function signInWithToken(token: string): Promise<void> {
  keepToken(token.trim());
  try {
    await call("GET /session");
  } catch (error) {
    keepToken(undefined);
    throw error;
  }
}

export async function signOut(session: Session): Promise<void> {
  if (session.way === "account") await call("DELETE /session");
  keepToken(undefined);
}
