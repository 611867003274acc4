import { dockerLoginKey, readDockerLogin } from "../../../lib/docker-login.ts";
import { registryOf } from "../../../stack/image-reference.ts";

/**
 * The `X-Registry-Auth` header for a repository, from what `docker login` stored; `undefined` when nothing is stored.
 * Source: Engine API reference, "Authentication".
 */
export async function registryAuth(
  repository: string,
  directory: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const registry = registryOf(repository);
  const login = await readDockerLogin(registry, directory, signal);
  if (login === undefined) return undefined;
  const credentials = "identityToken" in login ? { identitytoken: login.identityToken } : login;
  const header = { ...credentials, serveraddress: dockerLoginKey(registry) };
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}
