import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoadGenerator } from "../../bench/load-generator.ts";
import { run } from "../../src/lib/run.ts";
import { RealRegistry, registryMissing } from "../../src/registry/registry-support.ts";
import { Platform } from "./platform.ts";
import { whenAvailable } from "./when-available.ts";

/** Images go through a real registry to a real engine; nobody deploys after the first time. */
const options = { runtime: "docker", edge: "embedded" } as const;

if (registryMissing !== undefined && process.env["CI"] !== "true") {
  describe("auto-update", () => {
    it.skip(`needs a registry: ${registryMissing}`, () => undefined);
  });
} else {
  whenAvailable(options, suite);
}

type Releases = { releases: { number: number; images: Record<string, { digest: string }> }[] };
type Outdated = { services: { service: string; polls: number; bad: { digest: string }[]; state: string }[] };

function suite(): void {
  describe("auto-update on docker with a real registry", () => {
    let registry: RealRegistry;
    let platform: Platform;
    let folder: string;
    let image: string;

    beforeAll(async () => {
      registry = await RealRegistry.start();
      platform = await Platform.start(options);
      folder = mkdtempSync(join(tmpdir(), "roadstead-updates-"));
      image = `${registry.host}/acme/web:latest`;
    });
    afterAll(async () => {
      await platform?.stop();
      await registry?.stop();
      if (image) await removeImages(image);
      rmSync(folder, { recursive: true, force: true });
    });

    it("rolls v2 out, returns from a broken one for good, takes v3 (R-048, R-149 to R-152)", async () => {
      await push(folder, image, "v1");
      writeFileSync(join(folder, "compose.yaml"), composeFile(image));
      await platform.ok(["deploy", "-f", join(folder, "compose.yaml")]);
      expect(await ask(platform.http)).toBe("v1");
      const generator = load(platform.http);

      await push(folder, image, "v2");
      await until(async () => (await ask(platform.http)) === "v2", "v2 serves", 20);

      const broken = await push(folder, image, "broken");
      await until(() => failures(platform).length === 1, "the broken image is withdrawn", 40);
      expect(failures(platform)[0]).toContain(broken);
      const { polls } = await outdated(platform);
      await until(async () => (await outdated(platform)).polls >= polls + 20, "20 polls later", 60);
      expect(await outdated(platform)).toMatchObject({ state: "bad", bad: [{ digest: broken }] });
      expect(await ask(platform.http)).toBe("v2");
      expect(failures(platform), "one notification").toHaveLength(1);
      expect(await deployments(platform), "not retried").toBe(3);

      const good = await push(folder, image, "v3");
      await until(async () => (await ask(platform.http)) === "v3", "v3 serves", 20);
      const { releases } = await platform.json<Releases>(["releases", "fair"]);
      expect(releases[0]?.images["web"]?.digest).toBe(good);
      const report = await generator.stop();
      expect(report.failed, JSON.stringify(report)).toBe(0);
    });

    it("rolls back to the exact image before, and stays there (R-048, R-152)", async () => {
      await until(
        async () =>
          (await platform.json<{ deployment?: unknown }>(["status", "fair"])).deployment === undefined,
        "at rest",
        20,
      );
      await platform.ok(["rollback", "fair"]);
      expect(await ask(platform.http)).toBe("v2");
      const { polls } = await outdated(platform);
      await until(async () => (await outdated(platform)).polls >= polls + 2, "two more polls", 20);
      expect(await ask(platform.http)).toBe("v2");
      const { images } = await platform.json<{ images: { keeping: string; releases: number[] }[] }>([
        "images",
      ]);
      expect(images.filter(({ keeping }) => keeping === "live")).toMatchObject([{ releases: [2] }]);
    });
  });
}

function composeFile(image: string): string {
  return `name: fair
services:
  web:
    image: ${image}
    x-roadstead:
      kind: web
      routes: [fair.localhost]
      health: {http: /}
      readyTimeout: 8s
      drain: 1s
      keepWarm: 1h
      update: {channel: "tag:latest", every: 1s}
    expose: ["3000"]
`;
}

/** A page server of a few bytes on busybox, or one that ends at once; answers the digest in the registry. */
async function push(folder: string, image: string, version: string): Promise<string> {
  const command =
    version === "broken"
      ? ["sh", "-c", "echo no database; exit 1"]
      : ["httpd", "-f", "-p", "3000", "-h", "/www"];
  writeFileSync(join(folder, "index.html"), version);
  writeFileSync(
    join(folder, "Dockerfile"),
    `FROM busybox\nCOPY index.html /www/index.html\nCMD ${JSON.stringify(command)}\n`,
  );
  await docker(["build", "-q", "-t", image, folder]);
  const pushed = await docker(["push", image]);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1];
  if (digest === undefined) throw new Error(`no digest in what docker push said:\n${pushed}`);
  return digest;
}

async function docker(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(["docker", ...args], { timeoutMs: 60_000 });
  if (exitCode !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function removeImages(image: string): Promise<void> {
  const repository = image.replace(/:latest$/, "");
  const own = ["images", "-q", "--filter", `reference=${repository}`];
  const pinned = ["images", "-q", "--filter", "reference=roadstead/fair-web"];
  const ids = `${await docker(own)}\n${await docker(pinned)}`.split("\n").filter((id) => id !== "");
  if (ids.length > 0) await docker(["rmi", "-f", ...new Set(ids)]);
}

function load(port: number): LoadGenerator {
  const requests = [{ host: "fair.localhost", path: "/" }];
  return new LoadGenerator({ host: "127.0.0.1", port, requests, connections: 2, rate: 50 }).start();
}

async function outdated(platform: Platform): Promise<Outdated["services"][number]> {
  const { services } = await platform.json<Outdated>(["outdated", "fair"]);
  const web = services.find(({ service }) => service === "web");
  if (!web) throw new Error("outdated does not name web");
  return web;
}

async function deployments(platform: Platform): Promise<number> {
  const token = readFileSync(join(platform.home, "token"), "utf8").trim();
  const url = `http://127.0.0.1:${platform.api}/api/v1/stacks/fair/production/deployments`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return ((await answer.json()) as { deployments: unknown[] }).deployments.length;
}

/** What the log says about updates that failed. */
function failures(platform: Platform): string[] {
  const log = readFileSync(join(platform.home, "control-plane.log"), "utf8");
  return log.split("\n").filter((line) => line.includes("is not tried again"));
}

async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  seconds: number,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/", headers: { host: "fair.localhost" } }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve(body.trim()));
    }).on("error", reject);
  });
}
