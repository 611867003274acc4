import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  backend,
  createWorld,
  route,
  startBackend,
  type TestService,
  type World,
} from "../conformance-support.ts";
import { DataPlane } from "./data-plane.ts";

const methods = ["GET", "POST", "PUT", "OPTIONS", "CONNECT", "BREW", ""];
const paths = [
  "/",
  "/x?y",
  "//",
  "*",
  "http://app.test/x",
  "app.test:80",
  "/%zz",
  "/\u0000",
  `/${"a".repeat(9_000)}`,
];
const fields = [
  "Host: app.test",
  "Host: ",
  "Content-Length: 5",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked, identity",
  "Connection: upgrade",
  "Upgrade: websocket",
  "Upgrade: h2c",
  "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
  "Expect: 100-continue",
  "Connection: close",
  "Connection: content-length, host",
  " folded",
  "X: \u0001",
  ": empty",
  "X-Forwarded-For: ,,,::1,999.1.1.1",
  "Cookie: =;;;a",
  "Accept-Encoding: gzip;q=;;,br;q=x",
  "Range: bytes=--",
];
const bodies = [
  "",
  "hello",
  "5\r\nhello\r\n0\r\n\r\n",
  "zz\r\n",
  "GET /next HTTP/1.1\r\nHost: app.test\r\n\r\n",
];
const request = fc
  .record({
    method: fc.constantFrom(...methods),
    path: fc.constantFrom(...paths),
    version: fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "", "PRI * HTTP/2.0"),
    fields: fc.array(fc.constantFrom(...fields), { maxLength: 6 }),
    body: fc.constantFrom(...bodies),
    flip: fc.option(fc.tuple(fc.nat(400), fc.nat(255))),
  })
  .map(({ method, path, version, fields: lines, body, flip }) => {
    const bytes = Buffer.from(
      `${method} ${path} ${version}\r\n${lines.join("\r\n")}\r\n\r\n${body}`,
      "latin1",
    );
    if (flip) bytes[flip[0] % bytes.length] = flip[1];
    return bytes;
  });

describe("fuzzed requests", () => {
  let plane: DataPlane;
  let world: World;
  let service: TestService;
  const unexpected: unknown[] = [];
  const note = (error: unknown) => unexpected.push(error);

  beforeAll(async () => {
    process.on("uncaughtException", note);
    service = await startBackend("red");
    const silent = { record: () => undefined, log: () => undefined, onSpend: () => undefined };
    plane = new DataPlane({ ticketKeys: Buffer.alloc(48), ...silent });
    const edge = {
      name: "plane",
      apply: async (config: Parameters<DataPlane["prepare"]>[0], version: number) => {
        await plane.prepare(config, version);
        plane.commit();
      },
      observe: async () => plane.observe(),
      drain: (target: string, seconds: number) => plane.drain(target, seconds * 1000),
      close: async () => undefined,
    };
    world = await createWorld({ edge, close: () => plane.close(100) });
    await world.apply({
      routes: [
        route("app.test", "/", "web", { compress: true, bodyLimitBytes: 100 }),
        route("*", "/x", "web"),
      ],
      backends: [backend("web", [service], { sticky: true })],
    });
  });
  afterAll(async () => {
    process.off("uncaughtException", note);
    await world?.close();
    await service?.close();
  });

  it("never crash the data plane, never leak a request, never stop it from answering", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), async (requests) => {
        await sendAndHangUp(world.httpPort, requests);
        expect(unexpected).toEqual([]);
      }),
      { numRuns: 300 },
    );
    expect((await ask(world, "app.test", "/")).status).toBe(200);
    await plane.drain("red", 3_000);
    expect(plane.observe().counters.map(({ inFlight, upgraded }) => [inFlight, upgraded])).toEqual([[0, 0]]);
  });
});

/** Sends everything, waits for an answer, an end or 30 ms of silence, and hangs up. */
function sendAndHangUp(port: number, requests: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(30, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.resume();
    for (const bytes of requests) socket.write(bytes);
  });
}
