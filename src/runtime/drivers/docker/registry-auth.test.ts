import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDockerLogin } from "../../../lib/docker-login.ts";
import { type LoginOf, registryAuth } from "./registry-auth.ts";

describe("credentials that `docker login` stored", () => {
  const signal = new AbortController().signal;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "roadstead-auth-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const logins =
    (directory: string): LoginOf =>
    (server, ask) =>
      readDockerLogin(server, directory, ask);

  async function auth(config: object, repository: string): Promise<unknown> {
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    const header = await registryAuth(repository, logins(folder), signal);
    return header === undefined ? undefined : JSON.parse(Buffer.from(header, "base64url").toString());
  }
  const stored = (text: string) => ({ auth: Buffer.from(text).toString("base64") });

  it("belong to one registry each; Docker Hub has a key of its own", async () => {
    const config = {
      auths: { "ghcr.io": stored("me:pa:ss"), "https://index.docker.io/v1/": stored("hub:secret") },
    };
    expect(await auth(config, "ghcr.io/team/app")).toEqual({
      username: "me",
      password: "pa:ss",
      serveraddress: "ghcr.io",
    });
    expect(await auth(config, "team/app")).toMatchObject({ username: "hub", password: "secret" });
    expect(await auth(config, "other.example/app")).toBeUndefined();
  });

  it("may be a token", async () => {
    const config = { auths: { "ghcr.io": { identitytoken: "t0k3n" } } };
    expect(await auth(config, "ghcr.io/a/b")).toEqual({ identitytoken: "t0k3n", serveraddress: "ghcr.io" });
  });

  it("are written as the engine reads them, whatever their length", async () => {
    for (const username of ["a", "ab", "abc"]) {
      const loginOf = async () => ({ username, password: "secret" });
      const header = (await registryAuth("ghcr.io/team/app", loginOf, signal)) ?? "";
      expect(header).toMatch(/^(?:[\w-]{4})*(?:[\w-]{2}==|[\w-]{3}=)?$/);
    }
  });

  it("are not needed", async () => {
    expect(await registryAuth("ghcr.io/a", logins(join(folder, "nowhere")), signal)).toBeUndefined();
  });
});
