/** Debian's docker-registry on a loopback port, with a folder of its own, and images small enough to be made here. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../lib/hash.ts";

/** For `captain` with the password `open-sesame`; bcrypt is the only form that the registry takes. */
const htpasswd = "captain:$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO\n";
export const captain = { username: "captain", password: "open-sesame" };

export const registryMissing =
  spawnSync("docker-registry", ["--version"]).status === 0
    ? undefined
    : "docker-registry is not installed (apt-get install docker-registry)";

export class RealRegistry {
  readonly host: string;
  readonly #folder: string;
  #child: ChildProcess;
  readonly #login: boolean;

  private constructor(host: string, folder: string, login: boolean) {
    this.host = host;
    this.#folder = folder;
    this.#login = login;
    this.#child = this.#serve();
  }

  static async start(options: { login?: boolean } = {}): Promise<RealRegistry> {
    const folder = mkdtempSync(join(tmpdir(), "roadstead-registry-"));
    const host = `127.0.0.1:${await freePort()}`;
    const registry = new RealRegistry(host, folder, options.login ?? false);
    await registry.#ready();
    return registry;
  }

  /** Puts an image under a tag and answers its digest. `text` makes it differ from others. */
  async push(
    repository: string,
    tag: string,
    text: string,
    labels: Record<string, string> = {},
  ): Promise<string> {
    const config = JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: "2026-03-01T12:00:00Z",
      config: { Labels: { text, ...labels } },
      rootfs: { type: "layers", diff_ids: [] },
    });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: await this.#blob(repository, "application/vnd.oci.image.config.v1+json", config),
      layers: [await this.#blob(repository, "application/vnd.oci.image.layer.v1.tar+gzip", `layer ${text}`)],
    });
    return await this.put(repository, tag, "application/vnd.oci.image.manifest.v1+json", manifest);
  }

  /** Any manifest or index. */
  async put(repository: string, tag: string, type: string, manifest: string): Promise<string> {
    const path = `/v2/${repository}/manifests/${tag}`;
    await this.#send(path, { method: "PUT", headers: { "content-type": type }, body: manifest });
    return `sha256:${sha256(manifest)}`;
  }

  async blob(repository: string, digest: string): Promise<Buffer> {
    const answer = await fetch(`http://${this.host}/v2/${repository}/blobs/${digest}`);
    if (!answer.ok) throw new Error(`${digest}: ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  }

  /** Ends the server; `resume` starts it again on the same port with the same images. */
  async pause(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }

  async resume(): Promise<void> {
    this.#child = this.#serve();
    await this.#ready();
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.pause();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #blob(repository: string, mediaType: string, text: string) {
    const digest = `sha256:${sha256(text)}`;
    const begun = await this.#send(`/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const url = new URL(begun.headers.get("location") ?? "", `http://${this.host}`);
    url.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream" };
    await this.#send(url.href, { method: "PUT", headers, body: text });
    return { mediaType, digest, size: Buffer.byteLength(text) };
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const { username, password } = captain;
    const login = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const response = await fetch(new URL(path, `http://${this.host}`), {
      ...init,
      headers: { ...init.headers, ...(this.#login ? { authorization: login } : {}) },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    await response.body?.cancel();
    return response;
  }

  #serve(): ChildProcess {
    const path = (name: string) => join(this.#folder, name);
    writeFileSync(path("htpasswd"), htpasswd);
    const config = {
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: path("data") }, delete: { enabled: true } },
      http: { addr: this.host },
      ...(this.#login ? { auth: { htpasswd: { realm: "test", path: path("htpasswd") } } } : {}),
    };
    // JSON is YAML.
    writeFileSync(path("config.yml"), JSON.stringify(config));
    const env = { PATH: process.env["PATH"] ?? "", OTEL_TRACES_EXPORTER: "none" };
    return spawn("docker-registry", ["serve", path("config.yml")], { stdio: "ignore", env });
  }

  async #ready(): Promise<void> {
    const end = Date.now() + 15_000;
    for (;;) {
      const status = await fetch(`http://${this.host}/v2/`).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200 || status === 401) return;
      if (Date.now() > end) throw new Error("docker-registry was not ready within 15 s");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
