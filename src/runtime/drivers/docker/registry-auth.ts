import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../../../lib/run.ts";
import { registryOf } from "./image-reference.ts";

type DockerCliConfig = {
  auths?: Record<string, { auth?: string; identitytoken?: string }>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
};

/** Docker Hub's key in the CLI's file, for historical reasons. */
const hubKey = "https://index.docker.io/v1/";
const helperTimeoutMs = 15_000;

/**
 * The `X-Registry-Auth` header for a repository, from what `docker login` stored (file or credential helper);
 * `undefined` when nothing is stored. Source: Engine API reference, "Authentication".
 */
export async function registryAuth(
  repository: string,
  directory: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = join(directory ?? join(homedir(), ".docker"), "config.json");
  let config: DockerCliConfig;
  try {
    config = JSON.parse(await readFile(path, "utf8")) as DockerCliConfig;
  } catch {
    // Nobody logged in here; the engine then pulls anonymously, and says so if that is not enough.
    return undefined;
  }
  const registry = registryOf(repository);
  const key = registry === "docker.io" ? hubKey : registry;
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  if (helper !== undefined && /^[a-z0-9-]+$/i.test(helper)) {
    const outcome = await run([`docker-credential-${helper}`, "get"], {
      input: key,
      timeoutMs: helperTimeoutMs,
      signal,
    });
    if (outcome.exitCode === 0) {
      const found = JSON.parse(outcome.stdout) as { Username?: string; Secret?: string };
      const token = found.Username === "<token>";
      return encode(
        token ? { identitytoken: found.Secret } : { username: found.Username, password: found.Secret },
        key,
      );
    }
  }
  const stored = config.auths?.[key] ?? config.auths?.[`https://${registry}`];
  if (stored?.identitytoken) return encode({ identitytoken: stored.identitytoken }, key);
  if (!stored?.auth) return undefined;
  const [username = "", ...rest] = Buffer.from(stored.auth, "base64").toString("utf8").split(":");
  return encode({ username, password: rest.join(":") }, key);
}

function encode(credentials: Record<string, string | undefined>, serveraddress: string): string {
  return Buffer.from(JSON.stringify({ ...credentials, serveraddress })).toString("base64url");
}
