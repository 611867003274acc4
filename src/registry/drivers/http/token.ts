import { RegistryError } from "../../errors.ts";
import type { RegistryLogin } from "../../port.ts";
import { parseMapping, readLimited, refuse } from "./answer.ts";

/** What a token is good for at least, says its specification. */
const defaultTokenSeconds = 60;
const maxTokenBytes = 64 * 1024;

type Grant = { registry: string; service: string; scope: string; login: RegistryLogin | undefined };

/**
 * A bearer token for one repository: https://distribution.github.io/distribution/spec/auth/token/, and for an identity
 * token https://distribution.github.io/distribution/spec/auth/oauth/.
 */
export async function askForToken(
  server: URL,
  grant: Grant,
  signal: AbortSignal,
): Promise<{ token: string; seconds: number }> {
  const { registry, login } = grant;
  const who = `the token server of ${registry}`;
  const response = await (login && "identityToken" in login
    ? exchange(server, grant, login.identityToken, signal)
    : request(server, grant, login, signal));
  if (response.status >= 300) {
    await response.body?.cancel();
    throw refuse(who, response);
  }
  const answer = parseMapping(await readLimited(response, maxTokenBytes, who), who);
  const token = answer["token"] ?? answer["access_token"];
  const seconds = answer["expires_in"] ?? defaultTokenSeconds;
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token) || typeof seconds !== "number")
    throw new RegistryError("REGISTRY_ANSWER_INVALID", `${who} gave no token`);
  return { token, seconds };
}

function request(
  server: URL,
  { service, scope }: Grant,
  login: RegistryLogin | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const url = new URL(server);
  url.searchParams.set("service", service);
  for (const one of scope.split(" ")) url.searchParams.append("scope", one);
  const headers = {
    "user-agent": "roadstead",
    ...(login && "password" in login ? { authorization: basic(login) } : {}),
  };
  return fetch(url, { redirect: "error", headers, signal });
}

function exchange(
  server: URL,
  { service, scope }: Grant,
  identityToken: string,
  signal: AbortSignal,
): Promise<Response> {
  const form = { grant_type: "refresh_token", service, scope, client_id: "roadstead" };
  const body = new URLSearchParams({ ...form, refresh_token: identityToken });
  const headers = { "user-agent": "roadstead" };
  return fetch(server, { method: "POST", redirect: "error", body, headers, signal });
}

/** RFC 7617. */
export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}
