import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { probeHttp } from "./probe-http.ts";
import { probeTcp } from "./probe-tcp.ts";

const servers: (Server | TcpServer)[] = [];
const { signal } = new AbortController();

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function listen(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const http = (answer: RequestListener) => listen(createServer(answer));
const at = (port: number) => ({ host: "127.0.0.1", port, path: "/healthz", expect: [], timeoutMs: 2000 });

describe("an http probe (R-159)", () => {
  it("passes from 200 to 399, or as expected", async () => {
    const port = await http((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      response.end();
    });
    const status = async (code: number, expected: number[] = []) =>
      (await probeHttp({ ...at(port), path: `/${code}`, expect: expected }, signal)).ok;
    expect(await Promise.all([200, 204, 301, 399].map((code) => status(code)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(await Promise.all([400, 404, 500, 503].map((code) => status(code)))).toEqual([
      ...[false, false, false, false],
    ]);
    expect([await status(401, [401]), await status(200, [401])]).toEqual([true, false]);
  });

  it("quotes the first 500 characters of the answer", async () => {
    const port = await http((_request, response) => {
      response.statusCode = 503;
      response.end("é".repeat(2000));
    });
    expect(await probeHttp(at(port), signal)).toEqual({
      ok: false,
      reason: `GET http://127.0.0.1:${port}/healthz answered 503`,
      body: "é".repeat(500),
    });
  });

  it("does not wait for the end of an endless answer", async () => {
    const port = await http((_request, response) => {
      response.write("data: still here\n\n");
    });
    expect(await probeHttp(at(port), signal)).toMatchObject({ ok: true });
  });

  it("ends at its time limit, also in the middle of a body", async () => {
    const silent = await http(() => undefined);
    expect(await probeHttp({ ...at(silent), timeoutMs: 50 }, signal)).toMatchObject({
      reason: expect.stringMatching(/did not answer within 50 ms/),
    });
    const slow = await http((_request, response) => {
      response.statusCode = 500;
      response.write("half");
    });
    expect(await probeHttp({ ...at(slow), timeoutMs: 50 }, signal)).toMatchObject({ ok: false });
  });

  it("names a refused connection and a broken answer", async () => {
    const port = await listen(createTcpServer((socket) => socket.resume().end("nonsense\r\n\r\n")));
    expect(await probeHttp(at(port), signal)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/failed/),
    });
    expect(await probeHttp(at(1), signal)).toMatchObject({ reason: expect.stringMatching(/ECONNREFUSED/) });
  });

  it("rejects when it is aborted", async () => {
    const port = await http(() => undefined);
    const stop = new AbortController();
    const probing = probeHttp(at(port), stop.signal);
    stop.abort(new Error("enough"));
    await expect(probing).rejects.toThrow("enough");
    await expect(probeHttp(at(port), stop.signal)).rejects.toThrow("enough");
  });
});

describe("a tcp probe (R-159)", () => {
  it("passes when the port accepts, and says why when not", async () => {
    const port = await listen(createTcpServer((socket) => socket.resume().end()));
    const target = { host: "127.0.0.1", port, timeoutMs: 1000 };
    expect(await probeTcp(target, signal)).toMatchObject({ ok: true });
    expect(await probeTcp({ ...target, port: 1 }, signal)).toMatchObject({
      reason: expect.stringMatching(/cannot connect to 127.0.0.1:1: .*ECONNREFUSED/),
    });
  });

  it("rejects when it is aborted", async () => {
    const stopped = AbortSignal.abort(new Error("enough"));
    await expect(probeTcp({ host: "127.0.0.1", port: 1, timeoutMs: 1000 }, stopped)).rejects.toThrow(
      "enough",
    );
  });
});
