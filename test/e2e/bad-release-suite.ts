import { get } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoadGenerator } from "../../bench/load-generator.ts";
import { Platform, type PlatformOptions, trio } from "./platform.ts";

/** Whatever is wrong with a release, the old one goes on serving, the reason fits one screen, and the exit code is 1. */
export function badReleaseSuite(options: PlatformOptions): void {
  describe(`bad releases on ${options.runtime} + ${options.edge}`, () => {
    let platform: Platform;
    beforeAll(async () => {
      platform = await Platform.start(options);
      await platform.ok(["deploy", "-f", join(trio, "compose.yaml")], { VERSION: "good" });
    });
    afterAll(async () => {
      await platform?.stop();
    });

    const more = (file: string) => ["-f", join(trio, file)];
    it.each([
      ["crashes", { BREAK_FRONT: "crash" }, [], /exit code 3/, /cannot find its configuration/],
      [
        "is never ready",
        { BREAK_API: "unready" },
        more("impatient.yaml"),
        /not ready within 3 s/,
        /database is away/,
      ],
      [
        "answers 5 % errors under canary",
        { BREAK_FRONT: "errors", CANARY_FOR: "30s" },
        more("canary.yaml"),
        /canary of front at 10 %/,
        /errors/,
      ],
      [
        "has a failing release job",
        { BREAK_API: "job" },
        [],
        /release job of api ended with exit code 7/,
        /relation ships already exists/,
      ],
      ["has a failing smoke check", {}, more("smoke.yaml"), /smoke check of front failed/, /expected 418/],
      ["has an image that does not exist", {}, more("no-image.yaml"), /worker/, /no-such-image/],
      ["lacks a secret", {}, more("no-secret.yaml"), /secret/, /db_password/],
    ])("%s", async (_name, env: Record<string, string>, files, why, detail) => {
      const generator = new LoadGenerator({
        host: "127.0.0.1",
        port: platform.http,
        requests: [{ host: "trio.localhost", path: "/version" }],
        connections: 4,
        rate: 200,
      }).start();
      const outcome = await platform.deployTrio({ VERSION: "bad", ...env }, files);
      const text = outcome.stdout + outcome.stderr;
      expect(outcome.exitCode, text).toBe(1);
      expect(text).toMatch(why);
      expect(text).toMatch(detail);
      expect(text).not.toMatch(/\n {4}at .+:\d+:\d+/);
      expect(await ask(platform.http)).toBe("good");
      const report = await generator.stop();
      const ownErrors = env["BREAK_FRONT"] === "errors" ? (report.reasons["500"] ?? 0) : 0;
      expect(report.failed - ownErrors, JSON.stringify(report)).toBe(0);
    });
  });
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/version", headers: { host: "trio.localhost" } }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}
