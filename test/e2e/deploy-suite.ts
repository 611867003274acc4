import { get } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { LoadGenerator } from "../../bench/load-generator.ts";
import { Platform, type PlatformOptions, trio } from "./platform.ts";

/** Promises 1 and 2 through the whole product: CLI, API, engine, runtime and edge, on a stack of three services. */
export function deploySuite(options: PlatformOptions): void {
  describe(`deploying under load on ${options.runtime} + ${options.edge}`, () => {
    let platform: Platform;
    beforeAll(async () => {
      platform = await Platform.start(options);
    });
    afterAll(async () => {
      await platform?.stop();
    });

    const load = () =>
      new LoadGenerator({
        host: "127.0.0.1",
        port: platform.http,
        requests: [
          { host: "trio.localhost", path: "/version" },
          { host: "trio.localhost", path: "/through" },
        ],
        connections: 8,
        rate: 300,
      }).start();
    const ask = (path: string) => askWithHost(platform.http, path);

    it("deploys a Compose file and prints where it answers", async () => {
      const outcome = await platform.deployTrio({ VERSION: "1" });
      expect(outcome.stderr + outcome.stdout).toContain("trio.localhost");
      expect(outcome.exitCode, outcome.stderr + platform.logTail()).toBe(0);
      expect(await ask("/through")).toBe('{"front":"1","api":"1"}');
    });

    it.each(["blue-green", "rolling"])(
      "fails no request, public or internal, while the stack changes: %s",
      async (strategy) => {
        const strategies = { FRONT_STRATEGY: strategy, API_STRATEGY: strategy };
        const generator = load();
        for (const round of ["a", "b", "c"]) {
          const outcome = await platform.deployTrio({ VERSION: `${strategy}-${round}`, ...strategies });
          expect(outcome.exitCode, outcome.stderr + platform.logTail()).toBe(0);
          expect(await ask("/through")).toBe(`{"front":"${strategy}-${round}","api":"${strategy}-${round}"}`);
        }
        await platform.ok(["rollback", "--stack", "trio"]);
        expect(await ask("/through")).toContain(`${strategy}-b`);
        const report = await generator.stop();
        expect(report.requests).toBeGreaterThan(100);
        expect(report, JSON.stringify(report)).toMatchObject({ failed: 0 });
      },
    );

    it("keeps an open WebSocket through the deploy of another service, and closes it gracefully on its own (R-092)", async () => {
      await platform.deployTrio({ VERSION: "ws1" });
      const socket = new WebSocket(`ws://127.0.0.1:${platform.http}/socket`, {
        headers: { host: "trio.localhost" },
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      const echo = (text: string) =>
        new Promise<string>((resolve) => {
          socket.once("message", (data) => resolve(data.toString()));
          socket.send(text);
        });
      expect(await echo("a")).toBe("ws1:a");
      expect((await platform.deployTrio({ VERSION: "ws1", API_VERSION: "ws2" })).exitCode).toBe(0);
      expect(await echo("b")).toBe("ws1:b");
      const closed = new Promise<number>((resolve) => socket.once("close", resolve));
      const began = Date.now();
      expect((await platform.deployTrio({ VERSION: "ws3", API_VERSION: "ws2" })).exitCode).toBe(0);
      const code = await closed;
      expect(Date.now() - began).toBeGreaterThan(4000);
      expect(options.edge === "embedded" ? [1001] : [1001, 1006]).toContain(code);
    });

    it("refuses what is wrong before anything runs: exit code 1, with the position", async () => {
      const outcome = await platform.deployTrio({ VERSION: "9" }, ["-f", `${trio}/broken.yaml`]);
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stderr + outcome.stdout).toMatch(/broken\.yaml:4:\d+/);
    });
  });
}

function askWithHost(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, headers: { host: "trio.localhost" } }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}
