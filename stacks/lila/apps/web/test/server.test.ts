import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createApp } from "../server/app.ts";
import { readPublicConfig } from "../server/public-config.ts";

describe("the web server", () => {
  const folder = mkdtempSync(join(tmpdir(), "lila-web-"));
  let server: Server;
  let base = "";
  before(async () => {
    mkdirSync(join(folder, "assets"));
    writeFileSync(join(folder, "index.html"), "<title>Lila</title>");
    writeFileSync(join(folder, "assets", "index-abc.js"), "1");
    const config = readPublicConfig({ API_URL: "https://api.lilastudy.com", APP_VERSION: "7" });
    server = createServer(createApp(folder, config));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  after(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  it("answers every page's path with the application, and a missing file with 404 (R-032)", async () => {
    for (const path of ["/", "/study", "/deck/42"]) {
      const answer = await fetch(base + path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers.get("cache-control"), "no-cache", path);
      assert.match(await answer.text(), /<title>Lila/, path);
    }
    assert.equal((await fetch(`${base}/assets/missing.js`)).status, 404);
  });

  it("lets browsers keep files whose name holds their hash", async () => {
    const answer = await fetch(`${base}/assets/index-abc.js`);
    assert.match(answer.headers.get("cache-control") ?? "", /immutable/);
  });

  it("tells the page its environment at run time, and allows requests to that API alone (R-041, R-095)", async () => {
    const answer = await fetch(`${base}/config.json`);
    assert.deepEqual(await answer.json(), { apiUrl: "https://api.lilastudy.com", version: "7" });
    assert.match(
      answer.headers.get("content-security-policy") ?? "",
      /connect-src 'self' https:\/\/api\.lilastudy\.com;/,
    );
  });

  it("has a probe of its own (R-283)", async () => {
    assert.deepEqual(await (await fetch(`${base}/health`)).json(), { status: "ok", version: "7" });
  });

  it("survives an address that cannot be decoded", async () => {
    assert.equal((await fetch(`${base}/%E0%A4%A`)).status, 400);
  });

  it("refuses to start with an API address that is none, or without a build", () => {
    assert.throws(() => readPublicConfig({ API_URL: "https://api.lilastudy.com/v1" }), /API_URL/);
    assert.throws(() => readPublicConfig({ API_URL: "javascript:alert(1)" }), /API_URL/);
    assert.throws(() => createApp(join(folder, "assets"), readPublicConfig({})), /ENOENT/);
  });
});
