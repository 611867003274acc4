import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { sha256 } from "../../lib/hash.ts";
import { ManualClock } from "../../lib/manual-clock.ts";
import { HttpRegistry } from "./http.ts";

/** How registries behave that the distribution registry does not show: token servers, limits, lies. */

const digest = `sha256:${"a".repeat(64)}`;
const servers: Server[] = [];
const signal = AbortSignal.timeout(20_000);

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function image(host: string) {
  return { repository: `${host}/acme/web`, reference: "latest" };
}

describe("token servers", () => {
  /** A registry that takes `good-…` tokens, and a token server that counts them. */
  async function pair(answer: (request: IncomingMessage, body: string) => Record<string, unknown> | number) {
    const issued: { url: string; authorization: string | undefined; body: string }[] = [];
    const tokens = await serve(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      issued.push({ url: request.url ?? "", authorization: request.headers.authorization, body });
      const reply = answer(request, body);
      if (typeof reply === "number") response.writeHead(reply).end();
      else response.end(JSON.stringify(reply));
    });
    const registry = await serve((request, response) => {
      if (request.headers.authorization?.startsWith("Bearer good"))
        response.writeHead(200, { "docker-content-digest": digest }).end();
      else {
        const challenge = `Bearer realm="http://${tokens}/token",service="reg",scope="repository:acme/web:pull"`;
        response.writeHead(401, { "www-authenticate": challenge }).end();
      }
    });
    return { host: registry, issued };
  }

  it("gets one anonymously, keeps it for its time, and then gets another (R-060)", async () => {
    const clock = new ManualClock();
    const { host, issued } = await pair(() => ({ token: "good", expires_in: 300 }));
    const registry = new HttpRegistry({ loginOf: async () => undefined, clock });
    expect(await registry.digest(image(host), signal)).toBe(digest);
    expect(await registry.digest(image(host), signal)).toBe(digest);
    expect(issued).toHaveLength(1);
    expect(issued[0]?.url).toBe("/token?service=reg&scope=repository%3Aacme%2Fweb%3Apull");
    expect(issued[0]?.authorization).toBeUndefined();
    clock.advance(295_000);
    await registry.digest(image(host), signal);
    expect(issued).toHaveLength(2);
  });

  it("shows a password to it as basic, an identity token in a form", async () => {
    const { host, issued } = await pair(() => ({ access_token: "good" }));
    const password = new HttpRegistry({ loginOf: async () => ({ username: "ada", password: "pass" }) });
    await password.digest(image(host), signal);
    expect(issued[0]?.authorization).toBe(`Basic ${Buffer.from("ada:pass").toString("base64")}`);
    const identity = new HttpRegistry({ loginOf: async () => ({ identityToken: "id-token" }) });
    await identity.digest(image(host), signal);
    expect(issued[1]?.body).toContain("grant_type=refresh_token");
    expect(issued[1]?.body).toContain("refresh_token=id-token");
    expect(issued[1]?.url).not.toContain("id-token");
  });

  it.each([
    ["refuses", () => 401, "REGISTRY_DENIED"],
    ["breaks", () => 503, "REGISTRY_FAILED"],
    ["answers nonsense", () => ({ token: "two\r\nlines" }), "REGISTRY_ANSWER_INVALID"],
  ])("says so when it %s", async (_name, answer: () => Record<string, unknown> | number, code) => {
    const { host } = await pair(answer);
    const registry = new HttpRegistry({ loginOf: async () => undefined });
    await expect(registry.digest(image(host), signal)).rejects.toMatchObject({ code });
  });

  it("never shows a login to a token server without TLS beyond loopback", async () => {
    const host = await serve((_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Bearer realm="http://tokens.example/t"' }).end();
    });
    const registry = new HttpRegistry({ loginOf: async () => ({ username: "ada", password: "pass" }) });
    await expect(registry.digest(image(host), signal)).rejects.toMatchObject({ code: "REGISTRY_INSECURE" });
  });
});

describe("registries in trouble", () => {
  it.each([
    [429, { "retry-after": "120" }, "REGISTRY_BUSY", 120],
    [503, {}, "REGISTRY_FAILED", undefined],
    [403, {}, "REGISTRY_DENIED", undefined],
    [400, {}, "REGISTRY_ANSWER_INVALID", undefined],
  ])("%i (R-150)", async (status, headers, code, retryAfterSeconds) => {
    const host = await serve((_request, response) => void response.writeHead(status, headers).end());
    const registry = new HttpRegistry({ loginOf: async () => undefined });
    await expect(registry.digest(image(host), signal)).rejects.toMatchObject({ code, retryAfterSeconds });
  });

  it("computes the digest where the registry does not say it", async () => {
    const manifest = JSON.stringify({ schemaVersion: 2 });
    const host = await serve((request, response) => {
      response.end(request.method === "HEAD" ? undefined : manifest);
    });
    const registry = new HttpRegistry({ loginOf: async () => undefined });
    expect(await registry.digest(image(host), signal)).toBe(`sha256:${sha256(manifest)}`);
  });

  it("refuses an answer that is not what the digest says", async () => {
    const host = await serve((_request, response) => void response.end(JSON.stringify({ schemaVersion: 2 })));
    const registry = new HttpRegistry({ loginOf: async () => undefined });
    const platform = { os: "linux", architecture: "amd64" };
    const asked = { repository: `${host}/acme/web`, reference: digest };
    await expect(registry.describe(asked, platform, signal)).rejects.toThrow(/something else/);
  });

  it("takes no list of tags that goes on elsewhere or never ends", async () => {
    let pages = 0;
    const host = await serve((request, response) => {
      pages += 1;
      const elsewhere = request.url?.startsWith("/v2/acme/elsewhere/");
      const link = elsewhere ? "</v2/other/tags/list?n=1>" : `</v2/acme/web/tags/list?last=${pages}>`;
      response.writeHead(200, { link: `${link}; rel="next"` }).end(JSON.stringify({ tags: ["1"] }));
    });
    const registry = new HttpRegistry({ loginOf: async () => undefined });
    await expect(registry.tags(`${host}/acme/elsewhere`, signal)).rejects.toThrow(/elsewhere/);
    await expect(registry.tags(`${host}/acme/web`, signal)).rejects.toThrow(/more than 100 pages/);
  });

  it("asks no other host than loopback without TLS, unless it is marked insecure", async () => {
    const told = new HttpRegistry({ loginOf: async () => undefined, insecure: ["registry.invalid:5000"] });
    const wanted = { repository: "registry.invalid:5000/web", reference: "1" };
    const plain = await told.digest(wanted, signal).catch((error: unknown) => error);
    expect(plain).toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    const redirecting = await serve((_request, response) => {
      response.writeHead(307, { location: "http://blobs.example/x" }).end();
    });
    const registry = new HttpRegistry({ loginOf: async () => undefined });
    await expect(registry.digest(image(redirecting), signal)).rejects.toMatchObject({
      code: "REGISTRY_INSECURE",
    });
  });
});
