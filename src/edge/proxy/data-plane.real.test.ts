import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { backend, freePort, route, startBackend } from "../conformance-support.ts";
import type { EdgeConfig } from "../port.ts";
import { DataPlane } from "./data-plane.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function ask(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, headers: { host: "app.test" } }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    })
      .on("error", reject)
      .end();
  });
}

describe("data plane", () => {
  it("keeps what comes before its first routes waiting instead of answering 404", async () => {
    const service = await startBackend("red");
    closing.push(() => service.close());
    const port = await freePort();
    const config: EdgeConfig = {
      http: { host: "127.0.0.1", port },
      routes: [route("app.test", "/", "web")],
      backends: [backend("web", [service])],
      internal: [],
      certificates: [],
      trustedProxies: [],
    };
    const none = () => undefined;
    const plane = new DataPlane({ ticketKeys: Buffer.alloc(48), record: none, log: none, onSpend: none });
    closing.push(() => plane.close(100));
    await plane.prepare(config, 1);
    const early = ask(port);
    await new Promise((resolve) => setTimeout(resolve, 50));
    plane.commit();
    expect(await early).toBe(200);
    expect(await ask(port)).toBe(200);
  });
});
