import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { ApiWorld } from "./api-support.ts";

const html = { accept: "text/html,application/xhtml+xml" };
const folders: string[] = [];

function aBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-web-"));
  folders.push(folder);
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Roadstead</title>");
  writeFileSync(join(folder, "assets/index-abc.js"), "let a;");
  writeFileSync(join(folder, "assets/index-abc.js.gz"), gzipSync("let a;"));
  writeFileSync(join(folder, "assets/secret.pem"), "no page asks for this");
  return folder;
}

const get = (api: ApiWorld, path: string, headers: Record<string, string>) =>
  api.call("GET", path, { anonymous: true, headers });

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("the dashboard's files (R-168)", () => {
  it("serves the page at every path of its own, never from a cache, with a policy that runs no inline script", async () => {
    const api = new ApiWorld({ webFolder: aBuild() });
    for (const path of ["/", "/stacks/shop/production", "/logs?text=a"]) {
      const answer = await get(api, path, html);
      expect([path, answer.status, answer.text]).toEqual([
        path,
        200,
        "<!doctype html><title>Roadstead</title>",
      ]);
      expect(answer.headers["cache-control"]).toBe("no-cache");
      expect(answer.headers["content-security-policy"]).toContain("default-src 'self'");
      expect(answer.headers["content-security-policy"]).not.toContain("unsafe");
    }
  });

  it("serves hashed files for ever, packed for who takes it", async () => {
    const api = new ApiWorld({ webFolder: aBuild() });
    const plain = await get(api, "/assets/index-abc.js", {});
    expect([plain.text, plain.headers["content-encoding"]]).toEqual(["let a;", undefined]);
    expect(plain.headers["cache-control"]).toContain("immutable");
    const packed = await get(api, "/assets/index-abc.js", { "accept-encoding": "gzip, deflate" });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(packed.headers["content-type"]).toBe("text/javascript; charset=utf-8");
  });

  it.each([
    "/api/v1/nothing",
    "/git/a",
    "/metrics/more",
    "/assets/gone.js",
    "/assets/secret.pem",
    "/assets/%2e%2e/%2e%2e/etc/passwd.js",
    "/..%2f..%2fpackage.json",
  ])("answers 404 in the API's form for %s", async (path) => {
    const answer = await get(new ApiWorld({ webFolder: aBuild() }), path, html);
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ error: { code: "API_NOT_FOUND" } });
  });

  it("keeps 404 for a client that wants no page", async () => {
    const answer = await get(new ApiWorld({ webFolder: aBuild() }), "/status", {
      accept: "application/json",
    });
    expect(answer.status).toBe(404);
  });

  it("says what to run where the dashboard is not built", async () => {
    const answer = await get(new ApiWorld({ webFolder: join(tmpdir(), "roadstead-no-build") }), "/", html);
    expect(answer.status).toBe(503);
    expect(answer.text).toContain("sh scripts/setup.sh");
  });
});
