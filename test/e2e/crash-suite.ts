import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoadGenerator } from "../../bench/load-generator.ts";
import { Platform, type PlatformOptions, root, trio } from "./platform.ts";

type Status = {
  services: { name: string; state: string; replicas: { id: string; role: string; state: string }[] }[];
};

/** Promise 5 with real components: kill -9 of the control plane after every journal entry of a deployment, under load. */
export function crashSuite(options: PlatformOptions): void {
  describe(`kill -9 of the control plane on ${options.runtime} + ${options.edge}`, () => {
    let platform: Platform;
    let control: ChildProcess | undefined;

    const start = async (crashAfter?: number): Promise<ChildProcess> => {
      const at = (port: number) => `127.0.0.1:${port}`;
      const places = ["--api", at(platform.api), "--http", at(platform.http), "--https", at(platform.https)];
      const argv = [
        join(root, "test/e2e/crashing-control-plane.ts"),
        "--home",
        platform.home,
        "--runtime",
        options.runtime,
        "--edge",
        options.edge,
      ];
      const env = {
        ...process.env,
        ...(crashAfter === undefined ? {} : { CRASH_AFTER: String(crashAfter) }),
      };
      const child = spawn(process.execPath, [...argv, ...places], {
        stdio: ["ignore", "ignore", "inherit"],
        env,
      });
      await expect.poll(() => healthy(platform.api), { timeout: 20_000, interval: 50 }).toBe(true);
      return child;
    };
    const ended = (child: ChildProcess) =>
      new Promise<void>((resolve) =>
        child.exitCode !== null || child.signalCode !== null
          ? resolve()
          : child.once("exit", () => resolve()),
      );

    beforeAll(async () => {
      platform = await Platform.start(options);
      await platform.ok(["deploy", "-f", join(trio, "compose.yaml")], { VERSION: "0" });
      await platform.ok(["down", "--platform", "--yes"]);
    });
    afterAll(async () => {
      control?.kill("SIGKILL");
      if (control) await ended(control);
      await platform?.up();
      await platform?.stop();
    });

    it.each([
      ["blue-green", [] as string[]],
      ["canary", ["-f", join(trio, "canary.yaml")]],
    ])("converges after every entry, no request fails, nothing is left over: %s", async (strategy, more) => {
      const load = {
        host: "127.0.0.1",
        port: platform.http,
        requests: [
          { host: "trio.localhost", path: "/version" },
          { host: "trio.localhost", path: "/through" },
        ],
        connections: 4,
        rate: 100,
      };
      control = await start();
      const generator = new LoadGenerator(load).start();
      let kills = 0;
      for (let crashAfter = 1; ; crashAfter += 1) {
        control.kill("SIGTERM");
        await ended(control);
        control = await start(crashAfter);
        const version = `${strategy}-${crashAfter}`;
        const deploying = platform.cli(["deploy", "-f", join(trio, "compose.yaml"), ...more], {
          VERSION: version,
          CANARY_FOR: "1s",
        });
        const crashed = await Promise.race([ended(control).then(() => true), deploying.then(() => false)]);
        if (crashed) {
          kills += 1;
          control = await start();
        }
        const outcome = await deploying;
        expect(outcome.exitCode, `after entry ${crashAfter}: ${outcome.stderr}`).toBe(0);
        const status = await platform.json<Status>(["status", "--stack", "trio"]);
        for (const service of status.services) {
          const roles = service.replicas.filter(
            (replica) => replica.role === "current" && replica.state === "running",
          );
          expect(roles.length, `${service.name} after entry ${crashAfter}`).toBe(1);
        }
        if (!crashed) break;
      }
      const report = await generator.stop();
      expect(kills).toBeGreaterThan(15);
      expect(report, JSON.stringify(report)).toMatchObject({ failed: 0 });
    });
  });
}

async function healthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/api/v1/health`)).ok;
  } catch {
    // Not listening yet: that is what is being waited for.
    return false;
  }
}
