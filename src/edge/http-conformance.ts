import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect } from "vitest";
import type { EdgeTest, Services } from "./conformance.ts";
import { ask, backend, exchangeRaw, freePort, route, seen, type World } from "./conformance-support.ts";

async function one(world: World, { red }: Services, more: Parameters<typeof route>[3] = {}): Promise<void> {
  await world.apply({ routes: [route("app.test", "/", "web", more)], backends: [backend("web", [red])] });
}

/** What the edge does to single requests and answers. */
export const httpTests: readonly EdgeTest[] = [
  {
    name: "passes method, path, query, body and headers on, and nothing hop-by-hop",
    needs: "traffic",
    async run(world, services) {
      await one(world, services);
      const answer = await ask(world, "app.test", "/a%20b/../c?x=1&y=%2F", {
        method: "POST",
        body: "x".repeat(100_000),
        headers: {
          "x-own": "1",
          connection: "keep-alive, x-secret-hop",
          "x-secret-hop": "1",
          te: "trailers",
        },
      });
      const request = seen(answer);
      expect(request).toMatchObject({ method: "POST", url: "/a%20b/../c?x=1&y=%2F", bytes: 100_000 });
      expect(request.headers).toMatchObject({ host: "app.test", "x-own": "1", "content-length": "100000" });
      expect(request.headers["x-secret-hop"]).toBeUndefined();
      expect(request.headers.te).toBeUndefined();
      expect(request.headers["x-request-id"]).toMatch(/^[\w.:-]{8,}$/);
    },
  },
  {
    name: "streams chunked bodies both ways unchanged",
    needs: "traffic",
    async run(world, services) {
      await one(world, services);
      const down = await ask(world, "app.test", "/?bytes=1000000&chunked=1");
      expect(down.body.length).toBe(1_000_000);
      const raw =
        "POST /up HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
      const up = await exchangeRaw(world.httpPort, `${raw}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`);
      expect(up.text).toContain('"bytes":11');
    },
  },
  {
    name: "cuts the route's path off when asked",
    needs: "traffic",
    async run(world, { red }) {
      await world.apply({
        routes: [route("app.test", "/api", "web", { stripPath: true })],
        backends: [backend("web", [red])],
      });
      expect(seen(await ask(world, "app.test", "/api/x?y=1")).url).toBe("/x?y=1");
      expect(seen(await ask(world, "app.test", "/api?y=1")).url).toBe("/?y=1");
    },
  },
  {
    name: "R-027 overwrites forwarded headers of strangers and believes trusted ranges",
    needs: "traffic",
    async run(world, { red }) {
      const config = (trustedProxies: string[], requireTls = false) => ({
        routes: [route("app.test", "/", "web", { requireTls })],
        backends: [backend("web", [red])],
        trustedProxies,
      });
      const headers = {
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-proto": "https",
        "x-real-ip": "6.6.6.6",
      };
      await world.apply(config([]));
      expect(seen(await ask(world, "app.test", "/", { headers })).headers).toMatchObject({
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
      });
      await world.apply(config(["127.0.0.0/8"], true));
      const believed = await ask(world, "app.test", "/", { headers });
      expect(believed.status).toBe(200);
      expect(seen(believed).headers).toMatchObject({ "x-forwarded-proto": "https" });
      expect(String(seen(believed).headers["x-forwarded-for"]).split(",")[0]).toBe("203.0.113.9");
      expect((await ask(world, "app.test", "/")).status).toBe(308);
    },
  },
  {
    name: "refuses ambiguous requests (smuggling) and never passes them on",
    needs: "traffic",
    async run(world, services) {
      await one(world, services);
      const head = "POST / HTTP/1.1\r\nHost: app.test\r\n";
      const cases = [
        `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
        `${head}Content-Length: +5\r\n\r\nhello`,
        `${head}Content-Length: 0x5\r\n\r\nhello`,
        `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
        `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
        `${head}X: a\r\n b\0c\r\n\r\n`,
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app.test\r\nHost: other.test\r\n\r\n",
        `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`,
      ];
      for (const bytes of cases) {
        const answer = await exchangeRaw(world.httpPort, bytes, { limitMs: 3_000 });
        const statuses = [...answer.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1]);
        expect([bytes, statuses.filter((status) => !/^[45]/.test(status ?? ""))]).toEqual([bytes, []]);
        expect([bytes, answer.closed, answer.text.includes("/evil")]).toEqual([bytes, true, false]);
      }
    },
  },
  {
    // RFC 9112 6.1 lets a server refuse this, or take Transfer-Encoding alone and close the connection after it.
    name: "refuses a request with two lengths, or takes the chunked one alone and closes",
    needs: "traffic",
    async run(world, services) {
      await one(world, services);
      const head =
        "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
      const answer = await exchangeRaw(
        world.httpPort,
        `${head}0\r\n\r\nGET /evil HTTP/1.1\r\nHost: app.test\r\n\r\n`,
        { limitMs: 3_000 },
      );
      const statuses = [...answer.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1]);
      expect([statuses.length, answer.closed, answer.text.includes("/evil")]).toEqual([1, true, false]);
      expect(statuses[0]).toMatch(/^(200|4\d\d)$/);
      if (statuses[0] === "200") expect(answer.text).not.toContain('content-length":"5');
    },
  },
  {
    name: "R-026 cuts off a client that sends its header slowly",
    needs: "traffic",
    async run(world, services) {
      await one(world, services);
      const answer = await exchangeRaw(world.httpPort, "GET / HTTP/1.1\r\nHost: app.test\r\nX-Slow: ", {
        limitMs: 40_000,
      });
      expect(answer.closed).toBe(true);
      expect(answer.ms).toBeLessThan(35_000);
    },
  },
  {
    name: "R-030 answers 413 beyond the body limit, declared or chunked, and passes what is within",
    needs: "traffic",
    async run(world, services) {
      await one(world, services, { bodyLimitBytes: 100_000 });
      const post = (bytes: number) =>
        ask(world, "app.test", "/", { method: "POST", body: Buffer.alloc(bytes) });
      expect((await post(100_000)).status).toBe(200);
      const before = services.red.requests();
      expect((await post(101_000)).status).toBe(413);
      expect(services.red.requests()).toBe(before);
      const chunk = `${(50_000).toString(16)}\r\n${"x".repeat(50_000)}\r\n`;
      const head = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";
      const answer = await exchangeRaw(world.httpPort, `${head}${chunk.repeat(3)}0\r\n\r\n`, {
        until: /\r\n\r\n/,
      });
      expect(answer.text).toMatch(/^HTTP\/1\.1 413 /);
    },
  },
  {
    name: "R-026 answers 429 with Retry-After beyond a client's rate, and others are not affected",
    needs: "traffic",
    async run(world, services) {
      await one(world, services, { rateLimit: { requestsPerSecond: 50, burst: 50 } });
      const started = performance.now();
      const statuses: number[] = [];
      for (let batch = 0; batch < 50; batch += 1) {
        const answers = await Promise.all(Array.from({ length: 4 }, () => ask(world, "app.test", "/")));
        statuses.push(...answers.map((answer) => answer.status));
        for (const answer of answers)
          if (answer.status === 429) expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(1);
      }
      const seconds = (performance.now() - started) / 1000;
      const passed = statuses.filter((status) => status === 200).length;
      expect(passed).toBeGreaterThanOrEqual(45);
      expect(passed).toBeLessThanOrEqual(50 + 50 * seconds + 25);
      expect((await ask(world, "app.test", "/", { from: "127.0.0.2" })).status).toBe(200);
    },
  },
  {
    name: "R-030 compresses text when the client asks, and leaves the rest alone",
    needs: "traffic",
    async run(world, services) {
      await one(world, services, { compress: true });
      const get = (path: string, encoding: string) =>
        ask(world, "app.test", path, { headers: { "accept-encoding": encoding } });
      const gzip = await get("/?bytes=50000", "gzip");
      expect(gzip.headers["content-encoding"]).toBe("gzip");
      expect(gunzipSync(gzip.body).length).toBe(50_000);
      expect(String(gzip.headers.vary).toLowerCase()).toContain("accept-encoding");
      const brotli = await get("/?bytes=50000&chunked=1", "br");
      if (brotli.headers["content-encoding"] === "br")
        expect(brotliDecompressSync(brotli.body).length).toBe(50_000);
      else expect(brotli.body.length).toBe(50_000);
      const plain = await get("/?bytes=50000", "identity");
      expect([plain.headers["content-encoding"], plain.body.length]).toEqual([undefined, 50_000]);
    },
  },
  {
    name: "502, 503 and 504 say what is wrong, as a page or as JSON",
    needs: "traffic",
    async run(world, { red }) {
      await world.apply({
        routes: [
          route("dead.test", "/", "dead"),
          route("none.test", "/", "none"),
          route("slow.test", "/", "slow"),
          route("off.test", "/", "none", {
            action: { kind: "answer", status: 503, title: "Stopped", detail: "The operator stopped shop." },
          }),
        ],
        backends: [
          backend("dead", [{ id: "gone", port: await freePort() }]),
          backend("none", []),
          backend("slow", [red], { responseTimeoutSeconds: 1 }),
        ],
      });
      const cases: [string, number][] = [
        ["dead.test", 502],
        ["none.test", 503],
        ["slow.test", 504],
        ["off.test", 503],
        ["unknown.test", 404],
      ];
      for (const [host, status] of cases) {
        const page = await ask(world, host, "/?hang=1", { headers: { accept: "text/html" } });
        expect([host, page.status]).toEqual([host, status]);
        expect(page.headers["content-type"]).toContain("text/html");
        const program = await ask(world, host, "/?hang=1", { headers: { accept: "application/json" } });
        const told = JSON.parse(program.body.toString("utf8")) as {
          status: number;
          title: string;
          detail: string;
        };
        expect([told.status, told.title.length > 3, told.detail.length > 3]).toEqual([status, true, true]);
      }
      expect((await ask(world, "off.test", "/")).body.toString()).toContain("The operator stopped shop.");
    },
  },
  {
    name: "R-029 R-032 serves files: types, ranges, ETag, SPA fallback; no traversal, dotfile or way out by a link",
    needs: "traffic",
    async run(world) {
      const root = await mkdtemp(join(tmpdir(), "roadstead-files-"));
      try {
        await mkdir(join(root, "assets"));
        await writeFile(join(root, "index.html"), "<h1>app</h1>");
        await writeFile(join(root, "assets", "app-3f9a8b7c.js"), "x".repeat(1_000));
        await writeFile(join(root, "config.js"), "values");
        await writeFile(join(root, ".env"), "SECRET=1");
        await symlink("/etc/passwd", join(root, "passwd"));
        const action = { kind: "files", root, spa: true } as const;
        await world.apply({ routes: [route("site.test", "/", "", { action })] });
        const get = (path: string, headers: Record<string, string> = {}) =>
          ask(world, "site.test", path, { headers });
        const index = await get("/deck/42");
        expect([index.status, index.body.toString(), index.headers["cache-control"]]).toEqual([
          200,
          "<h1>app</h1>",
          "no-cache",
        ]);
        expect((await get("/config.js")).headers["cache-control"], "run-time values").toBe("no-cache");
        const asset = await get("/assets/app-3f9a8b7c.js");
        expect(asset.headers).toMatchObject({
          "x-content-type-options": "nosniff",
          "content-length": "1000",
        });
        expect(asset.headers["cache-control"]).toContain("immutable");
        expect(
          (await get("/assets/app-3f9a8b7c.js", { "if-none-match": asset.headers.etag ?? "" })).status,
        ).toBe(304);
        const part = await get("/assets/app-3f9a8b7c.js", { range: "bytes=0-99" });
        expect([part.status, part.body.length, part.headers["content-range"]]).toEqual([
          206,
          100,
          "bytes 0-99/1000",
        ]);
        expect((await get("/assets/app-3f9a8b7c.js", { range: "bytes=5000-" })).status).toBe(416);
        expect((await get("/assets/missing.js")).status).toBe(404);
        for (const path of [
          "/.env",
          "/%2eenv",
          "/../../etc/passwd",
          "/%2e%2e/%2e%2e/etc/passwd",
          "/..%5c.env",
          "/a%00b",
        ]) {
          const { status } = await get(path);
          expect([path, status === 400 || status === 404]).toEqual([path, true]);
        }
        expect((await get("/passwd")).body.toString()).not.toContain("root:");
        expect((await ask(world, "site.test", "/", { method: "POST", body: "x" })).status).toBe(405);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
  },
  {
    name: "redirects where a route says so",
    needs: "traffic",
    async run(world) {
      const action = { kind: "redirect", to: "https://elsewhere.test/x", status: 301 } as const;
      await world.apply({ routes: [route("old.test", "/", "", { action })] });
      const answer = await ask(world, "old.test", "/any");
      expect([answer.status, answer.headers.location]).toEqual([301, "https://elsewhere.test/x"]);
    },
  },
];
