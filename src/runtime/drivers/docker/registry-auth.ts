import { type DockerLogin, dockerLoginKey } from "../../../lib/docker-login.ts";
import { registryOf } from "../../../stack/image-reference.ts";

/** The stored login of a server, if there is one. */
export type LoginOf = (server: string, signal: AbortSignal) => Promise<DockerLogin | undefined>;

/**
 * The `X-Registry-Auth` header for a repository, from the stored logins; `undefined` when nothing is stored.
 * Source: Engine API reference, "Authentication".
 */
export async function registryAuth(
  repository: string,
  loginOf: LoginOf,
  signal: AbortSignal,
): Promise<string | undefined> {
  const registry = registryOf(repository);
  const login = await loginOf(registry, signal);
  if (login === undefined) return undefined;
  const credentials = "identityToken" in login ? { identitytoken: login.identityToken } : login;
  const header = { ...credentials, serveraddress: dockerLoginKey(registry) };
  // Padded: without it the engine silently takes the header for none, for two lengths in three.
  const bare = Buffer.from(JSON.stringify(header)).toString("base64url");
  return bare.padEnd(Math.ceil(bare.length / 4) * 4, "=");
}
