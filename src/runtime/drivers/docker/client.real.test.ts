import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineClient } from "./client.ts";

const signal = new AbortController().signal;

/** A stand-in engine on a real socket: for what a real engine does only when it is broken. */
describe("the engine client on its socket", () => {
  let folder: string;
  let client: EngineClient;
  let server: Server | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "roadstead-client-"));
    client = new EngineClient(join(folder, "docker.sock"));
  });
  afterEach(async () => {
    client.close();
    server?.closeAllConnections();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function serve(answer: RequestListener, version = "1.45"): Promise<void> {
    server = createServer((request, response) => {
      if (request.url === "/version") {
        response.end(JSON.stringify({ Version: "26", ApiVersion: version }));
      } else answer(request, response);
    });
    await new Promise<void>((resolve) => server?.listen(client.socketPath, resolve));
  }
  const get = (path: string, timeoutMs = 5000) =>
    client.json<unknown>({ method: "GET", path, signal, timeoutMs });

  it("says what to do when nobody listens", async () => {
    await expect(get("/info")).rejects.toMatchObject({
      code: "RUNTIME_UNREACHABLE",
      hint: expect.stringContaining(client.socketPath),
    });
  });

  it("gives up at its limit, before and within the answer", async () => {
    await serve((request, response) => {
      if (request.url?.endsWith("/half")) response.write("{");
    });
    for (const path of ["/never", "/half"]) {
      await expect(get(path, 150)).rejects.toMatchObject({
        code: "RUNTIME_UNREACHABLE",
        message: expect.stringMatching(/within 0.15 s/),
      });
    }
  });

  it("rejects with the caller's own reason when that gives up", async () => {
    await serve(() => undefined);
    const reason = new Error("changed my mind");
    const stop = new AbortController();
    const call = client.json({ method: "GET", path: "/never", signal: stop.signal });
    setTimeout(() => stop.abort(reason), 50);
    await expect(call).rejects.toBe(reason);
  });

  it("refuses an engine that is too old, and speaks the engine's version, not a newer one", async () => {
    await serve((request, response) => response.end(JSON.stringify(request.url)), "1.40");
    await expect(get("/info")).rejects.toMatchObject({ code: "RUNTIME_UNSUPPORTED" });
    server?.close();
    client = new EngineClient(join(folder, "newer.sock"));
    await serve((request, response) => response.end(JSON.stringify(request.url)), "1.43");
    expect(await get("/info")).toBe("/v1.43/info");
  });

  it("keeps the engine's own words and status", async () => {
    await serve((_request, response) => {
      response.statusCode = 409;
      response.end(JSON.stringify({ message: "name is in use" }));
    });
    await expect(get("/x")).rejects.toMatchObject({ status: 409, message: "name is in use" });
  });

  it("asks again when an idle connection was closed under it", async () => {
    let calls = 0;
    await serve((request, response) => {
      calls += 1;
      // The second call comes on the kept connection, which dies before a byte of the answer.
      if (calls === 2) request.socket.destroy();
      else response.end(String(calls));
    });
    expect(await get("/a")).toBe(1);
    expect(await get("/b")).toBe(3);
  });
});
