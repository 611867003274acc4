import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
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

    const start = async (plan: string): Promise<ChildProcess> => {
      const at = (port: number) => `127.0.0.1:${port}`;
      const places = ["--api", at(platform.api), "--http", at(platform.http), "--https", at(platform.https)];
      const entry = join(root, "test/e2e/crashing-control-plane.ts");
      const argv = [
        entry,
        "--home",
        platform.home,
        "--runtime",
        options.runtime,
        "--edge",
        options.edge,
        ...places,
      ];
      const log = openSync(join(platform.home, "control-plane.log"), "a");
      const env = {
        ...process.env,
        CRASH_PLAN: join(platform.home, plan),
        NODE_COMPILE_CACHE: join(platform.home, "cache"),
      };
      const child = spawn(process.execPath, argv, { stdio: ["ignore", log, log], env });
      closeSync(log);
      await expect.poll(() => healthy(platform.api), { timeout: 20_000, interval: 50 }).toBe(true);
      return child;
    };
    const ended = (child: ChildProcess) =>
      new Promise<"ended">((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve("ended");
        else child.once("exit", () => resolve("ended"));
      });

    beforeAll(async () => {
      platform = await Platform.start(options);
      await platform.ok(["deploy", "-f", join(trio, "compose.yaml")], { VERSION: "0" });
      await platform.ok(["down", "--platform", "--yes"]);
    });
    afterEach(async () => {
      control?.kill("SIGKILL");
      if (control) await ended(control);
    });
    afterAll(async () => {
      await platform?.up();
      await platform?.stop();
    });

    it.each([
      ["blue-green", [] as string[]],
      ["canary", ["-f", join(trio, "canary.yaml")]],
    ])(
      "converges after every step entry, no request fails, nothing is left over: %s",
      async (strategy, more) => {
        control = await start(`crash-plan-${strategy}.json`);
        const generator = new LoadGenerator({
          host: "127.0.0.1",
          port: platform.http,
          requests: [
            { host: "trio.localhost", path: "/version" },
            { host: "trio.localhost", path: "/through" },
          ],
          connections: 4,
          rate: 100,
        }).start();
        let kills = 0;
        for (let round = 1; ; round += 1) {
          const env = { VERSION: `${strategy}-${round}`, CANARY_FOR: "1s", CANARY_MIN: "1" };
          const deploying = platform.cli(["deploy", "-f", join(trio, "compose.yaml"), ...more], env);
          const crashed = (await Promise.race([ended(control), deploying])) === "ended";
          if (crashed) {
            kills += 1;
            control = await start(`crash-plan-${strategy}.json`);
          }
          const outcome = await deploying;
          expect(outcome.exitCode, `round ${round}: ${outcome.stderr}\n${platform.logTail()}`).toBe(0);
          await expectOneOfEach(platform, `round ${round}`);
          if (!crashed) break;
        }
        const report = await generator.stop();
        control.kill("SIGTERM");
        await ended(control);
        console.log(
          `${options.runtime} + ${options.edge}, ${strategy}: ${kills} kills, ${JSON.stringify(report)}`,
        );
        expect(kills).toBeGreaterThan(15);
        expect(report, JSON.stringify(report)).toMatchObject({ failed: 0 });
      },
      1_200_000,
    );
  });
}

/**
 * Exactly the wanted replicas of the current release run, and soon nothing that is neither current nor kept warm: what
 * was warm before is retired once the deployment has ended.
 */
async function expectOneOfEach(platform: Platform, when: string): Promise<void> {
  const count = async () => {
    const { services } = await platform.json<Status>(["status", "--stack", "trio"]);
    return services.map(({ name, replicas }) => {
      const running = replicas.filter((replica) => replica.state === "running");
      const current = running.filter((replica) => replica.role === "current").length;
      const orphans = running.filter((replica) => replica.role === "incoming").map(({ id }) => id);
      return { name, current, orphans };
    });
  };
  const wanted = ["front", "api", "worker"].map((name) => ({ name, current: 1, orphans: [] }));
  await expect.poll(count, { timeout: 60_000, interval: 300, message: when }).toEqual(wanted);
}

async function healthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/api/v1/health`)).ok;
  } catch {
    // Not listening yet: that is what is being waited for.
    return false;
  }
}
