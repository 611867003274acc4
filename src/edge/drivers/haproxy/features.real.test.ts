import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  backend,
  eventually,
  exchangeRaw,
  route,
  seen,
  startBackend,
} from "../../conformance-support.ts";
import { type HaproxyWorld, installed, startHaproxy } from "./real-support.ts";

if (!installed && process.env["CI"] === "true") throw new Error("CI needs haproxy: apt-get install haproxy");
if (!installed)
  describe("haproxy features", () => it.skip("skipped: haproxy is not installed", () => undefined));
else describe("haproxy features", features);

type Service = Awaited<ReturnType<typeof startBackend>>;

function features() {
  let world: HaproxyWorld;
  let red: Service;
  let green: Service;
  beforeAll(async () => {
    [red, green] = await Promise.all([startBackend("red"), startBackend("green")]);
    world = await startHaproxy();
  });
  afterAll(async () => {
    await world?.close();
    await Promise.all([red?.close(), green?.close()]);
  });
  const site = (more = {}) => [route("app.test", "/", "web", more)];
  const web = (more = {}) => [backend("web", [red], more)];
  const signal = () => AbortSignal.timeout(20_000);

  it("R-030 refuses a body over the limit with 413, announced or not, and lets one at the limit pass", async () => {
    await world.apply({ routes: site({ bodyLimitBytes: 1_000 }), backends: web() });
    const before = red.requests();
    const post = (bytes: number, headers = {}) =>
      ask(world, "app.test", "/", { method: "POST", body: Buffer.alloc(bytes), headers });
    expect((await post(1_001)).status).toBe(413);
    expect(red.requests()).toBe(before);
    expect(seen(await post(1_000)).bytes).toBe(1_000);
    const chunked = { "transfer-encoding": "chunked" };
    expect(seen(await post(1_000, chunked)).bytes).toBe(1_000);
    expect((await post(1_001, chunked)).status).toBe(413);
    expect((await post(300_000, chunked)).status).toBe(413);
  });

  it("R-026 limits a client by route with 429 and Retry-After, and leaves another client alone", async () => {
    await world.apply({ routes: site({ rateLimit: { requestsPerSecond: 1, burst: 5 } }), backends: web() });
    const answers = [];
    for (let n = 0; n < 12; n += 1) answers.push(await ask(world, "app.test", "/"));
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBeGreaterThanOrEqual(5);
    expect(passed).toBeLessThanOrEqual(7);
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect((await ask(world, "app.test", "/", { from: "127.0.0.5" })).status).toBe(200);
  });

  it("R-030 compresses where the route asks for it, and nowhere else", async () => {
    const headers = { "accept-encoding": "gzip" };
    await world.apply({ routes: site({ compress: true }), backends: web() });
    const packed = await ask(world, "app.test", "/?bytes=5000", { headers });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(packed.body)).toHaveLength(5_000);
    await world.apply({ routes: site(), backends: web() });
    expect(
      (await ask(world, "app.test", "/?bytes=5000", { headers })).headers["content-encoding"],
    ).toBeUndefined();
  });

  it("R-027 believes forwarded headers of trusted peers only", async () => {
    const claims = {
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-proto": "https",
      "x-request-id": "abc-1",
    };
    await world.apply({ routes: site(), backends: web() });
    const untrusted = seen(await ask(world, "app.test", "/", { headers: claims })).headers;
    expect(untrusted).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-request-id": "abc-1",
    });
    await world.apply({
      routes: site({ requireTls: true }),
      backends: web(),
      trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"],
    });
    const trusted = seen(await ask(world, "app.test", "/", { headers: claims })).headers;
    expect(trusted).toMatchObject({
      "x-forwarded-for": "203.0.113.9, 127.0.0.1",
      "x-forwarded-proto": "https",
      "x-real-ip": "203.0.113.9",
    });
    expect((await ask(world, "app.test", "/")).status).toBe(308);
    expect((await ask(world, "app.test", "/.well-known/acme-challenge/x")).status).toBe(200);
  });

  it("keeps a client on its target by cookie, at weight 0 too, until the target leaves", async () => {
    const targets = (a: number, b: number) => [
      backend(
        "web",
        [
          { ...red, weight: a },
          { ...green, weight: b },
        ],
        { sticky: true },
      ),
    ];
    await world.apply({ routes: site(), backends: targets(100, 0) });
    const first = await ask(world, "app.test", "/");
    const cookie = (first.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";
    expect([first.target, cookie.length > 10]).toEqual(["red", true]);
    await world.apply({ routes: site(), backends: targets(0, 100) });
    const again = await ask(world, "app.test", "/", { headers: { cookie } });
    expect([again.target, again.headers["set-cookie"]]).toEqual(["red", undefined]);
    expect((await ask(world, "app.test", "/")).target).toBe("green");
    await world.apply({ routes: site(), backends: [backend("web", [green], { sticky: true })] });
    expect((await ask(world, "app.test", "/", { headers: { cookie } })).target).toBe("green");
  });

  it("R-028 strips the path, redirects, and answers with the words of the route", async () => {
    await world.apply({
      routes: [
        route("app.test", "/api/v1", "web", { stripPath: true }),
        route("old.test", "/", "", {
          action: { kind: "redirect", to: "https://new.test/x?y=1", status: 301 },
        }),
        route("off.test", "/", "", {
          action: { kind: "answer", status: 503, title: "Off <b>", detail: "Back at 9." },
        }),
      ],
      backends: web(),
    });
    expect(seen(await ask(world, "app.test", "/api/v1/users?id=1")).url).toBe("/users?id=1");
    expect(seen(await ask(world, "app.test", "/api/v1")).url).toBe("/");
    const moved = await ask(world, "old.test", "/anything");
    expect([moved.status, moved.headers.location]).toEqual([301, "https://new.test/x?y=1"]);
    const off = await ask(world, "off.test", "/");
    expect([off.status, off.body.toString()]).toEqual([503, expect.stringContaining("Off &#60;b&#62;")]);
  });

  it("R-029 R-032 serves files, with the fallback of a single-page site", async () => {
    const root = await mkdtemp(join(tmpdir(), "rs-site-"));
    await writeFile(join(root, "index.html"), "<h1>site</h1>");
    await writeFile(join(root, "a.txt"), "0123456789");
    await world.apply({
      routes: [route("files.test", "/", "", { action: { kind: "files", root, spa: true }, compress: true })],
      backends: [],
    });
    await eventually(async () => (await ask(world, "files.test", "/")).status === 200);
    expect((await ask(world, "files.test", "/deck/42")).body.toString()).toBe("<h1>site</h1>");
    const part = await ask(world, "files.test", "/a.txt", {
      headers: { range: "bytes=0-3", "x-roadstead-root": "Lw==" },
    });
    expect([part.status, part.body.toString()]).toEqual([206, "0123"]);
    expect((await ask(world, "files.test", "/%2e%2e/etc/passwd")).status).toBeGreaterThanOrEqual(400);
    await rm(root, { recursive: true, force: true });
  });

  it("gives a held request 503 with Retry-After once it waited long enough", async () => {
    await world.apply({ routes: site(), backends: web({ hold: true, holdSeconds: 0.3 }) });
    const began = performance.now();
    const answer = await ask(world, "app.test", "/");
    expect([answer.status, Number(answer.headers["retry-after"]) > 0]).toEqual([503, true]);
    expect(performance.now() - began).toBeGreaterThan(290);
  });

  it("answers 504 when the service is too slow, 502 when it breaks off, with the request's id", async () => {
    await world.apply({ routes: site(), backends: web({ responseTimeoutSeconds: 0.3 }) });
    const slow = await ask(world, "app.test", "/?hang", { headers: { "x-request-id": "slow-1" } });
    expect([slow.status, slow.body.toString()]).toEqual([504, expect.stringContaining("slow-1")]);
  });

  it("drains a request in flight, and takes it away from its target at the deadline", async () => {
    await world.apply({ routes: site(), backends: [backend("web", [red, green])] });
    await world.apply({ routes: site(), backends: web() });
    const running = ask(world, "app.test", "/?ms=400");
    await new Promise((resolve) => setTimeout(resolve, 150));
    await world.apply({ routes: site(), backends: [backend("web", [green])] });
    expect(await world.edge.drain("red", 5, signal())).toEqual({ drained: true, closedConnections: 0 });
    expect((await running).target).toBe("red");
    const hanging = ask(world, "app.test", "/?ms=2000");
    await new Promise((resolve) => setTimeout(resolve, 150));
    await world.apply({ routes: site(), backends: web() });
    expect(await world.edge.drain("green", 0.2, signal())).toEqual({ drained: false, closedConnections: 1 });
    // A GET may be sent twice, so HAProxy gives it to a target that stays.
    expect((await hanging).target).toBe("red");
  });

  it("a target that closes its connection without an answer costs a GET nothing", async () => {
    let connections = 0;
    const moody: Server = createServer((socket) => {
      connections += 1;
      let answered = 0;
      socket.on("error", () => socket.destroy());
      socket.on("data", () => {
        answered += 1;
        // Closes as a server does whose keep-alive ended in the moment the next request came.
        if (answered === 3) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: moody\r\n\r\nok");
      });
    });
    await new Promise<void>((resolve) => moody.listen(0, "127.0.0.1", resolve));
    const address = moody.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await world.apply({ routes: site(), backends: [backend("web", [{ id: "moody", port }])] });
    const request = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
    const { text } = await exchangeRaw(world.httpPort, request.repeat(12), { until: /(?:ok[\s\S]*?){12}/ });
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(12);
    expect(connections).toBeGreaterThan(1);
    await new Promise((resolve) => moody.close(resolve));
  });

  it("cuts off a client that does not finish its header", async () => {
    await world.apply({ routes: site(), backends: web() });
    const { closed, ms } = await exchangeRaw(world.httpPort, "GET / HTTP/1.1\r\nHost: app", {
      limitMs: 15_000,
    });
    expect([closed, ms < 12_000]).toEqual([true, true]);
  });
}
