import { type Answer, ask } from "./ask";
import { peer, project } from "./settings";

export type Account = { id: string; email: string; name: string; role: string };
export type SignedIn = { user: Account; manaToken: string; expiresIn: number; refreshToken: string };

const at = (path: string) => `${peer("AUTH_URL")}/api/auth/${path}`;

export function signIn(email: string, password: string): Promise<Answer<SignedIn>> {
  return ask(at("sign-in"), { method: "POST", body: { email, password, appId: project() } });
}

export function signUp(email: string, name: string, password: string): Promise<Answer<SignedIn>> {
  return ask(at("sign-up"), { method: "POST", body: { email, name, password, appId: project() } });
}

export function refresh(refreshToken: string): Promise<Answer<SignedIn>> {
  return ask(at("refresh"), { method: "POST", body: { refreshToken } });
}

export function session(refreshToken: string): Promise<Answer<{ user: Account }>> {
  return ask(at("session"), { method: "POST", body: { refreshToken } });
}

export function signOut(refreshToken: string): Promise<Answer<object>> {
  return ask(at("sign-out"), { method: "POST", body: { refreshToken } });
}
