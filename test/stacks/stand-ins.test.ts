import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../stacks/stand-ins");

type Outcome = { exitCode: number; output: string };

function run(command: string, args: readonly string[]): Promise<Outcome> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
  };
  // Node's own test runner takes a run inside another test runner for a part of it.
  for (const name of Object.keys(env)) if (/^(NODE_TEST|VITEST|NODE_OPTIONS)/.test(name)) delete env[name];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 240_000,
    });
    let output = "";
    const add = (chunk: unknown) => {
      output = `${output}${chunk}`.slice(-50_000);
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 128, output }));
  });
}

test("R-003: the stand-ins hold against the real clients: discord.js, @sentry/node, nodemailer", async () => {
  if (!existsSync(join(folder, "node_modules/discord.js"))) {
    const installed = await run("npm", ["ci"]);
    expect(installed.exitCode, installed.output).toBe(0);
  }
  const tested = await run(process.execPath, ["--test", "test/**/*.test.ts"]);
  expect(tested.exitCode, tested.output).toBe(0);
  expect(tested.output).toMatch(/pass [1-9]\d/);
});
