import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";

type DockerCliConfig = {
  auths?: Record<string, { auth?: string; identitytoken?: string }>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
};

/** What `docker login` stored for one server. */
export type DockerLogin = { username: string; password: string } | { identityToken: string };

/** Docker Hub's key in the CLI's file, for historical reasons. */
const hubKey = "https://index.docker.io/v1/";
const helperTimeoutMs = 15_000;

/** The key of a server in the Docker CLI's file. */
export function dockerLoginKey(server: string): string {
  return server === "docker.io" ? hubKey : server;
}

/**
 * What `docker login` stored for a server (file or credential helper); `undefined` when nothing is stored. The file is
 * `config.json` in `directory`, else in the user's own `.docker`.
 */
export async function readDockerLogin(
  server: string,
  directory: string | undefined,
  signal: AbortSignal,
): Promise<DockerLogin | undefined> {
  const path = join(directory ?? join(homedir(), ".docker"), "config.json");
  let config: DockerCliConfig;
  try {
    config = JSON.parse(await readFile(path, "utf8")) as DockerCliConfig;
  } catch {
    // Nobody logged in here; the server is then asked anonymously, and says so if that is not enough.
    return undefined;
  }
  const key = dockerLoginKey(server);
  const helper = config.credHelpers?.[server] ?? config.credsStore;
  if (helper !== undefined && /^[a-z0-9-]+$/i.test(helper)) {
    const outcome = await run([`docker-credential-${helper}`, "get"], {
      input: key,
      timeoutMs: helperTimeoutMs,
      signal,
    });
    if (outcome.exitCode === 0) return fromHelper(outcome.stdout);
  }
  const stored = config.auths?.[key] ?? config.auths?.[`https://${server}`];
  if (stored?.identitytoken) return { identityToken: stored.identitytoken };
  if (!stored?.auth) return undefined;
  const [username = "", ...rest] = Buffer.from(stored.auth, "base64").toString("utf8").split(":");
  return { username, password: rest.join(":") };
}

function fromHelper(answer: string): DockerLogin {
  const { Username: username = "", Secret: secret = "" } = JSON.parse(answer) as Record<string, string>;
  return username === "<token>" ? { identityToken: secret } : { username, password: secret };
}
