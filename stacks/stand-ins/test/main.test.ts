import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "./control.ts";

const names = ["discord", "openai", "identity", "payments", "mail", "errors"];

for (const name of names)
  test(`R-003: ${name} starts from its entry, answers for its health, and leaves on SIGTERM within a second`, async (t) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, `../src/${name}/main.ts`)], {
      env: { PATH: process.env["PATH"], PORT: "0", SMTP_PORT: "0", HOST: "127.0.0.1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const port = await until(`${name} to listen`, () => /listens on port (\d+)/.exec(output)?.[1]);
    const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
    assert.deepEqual(health, { status: "ok", service: name });
    const toldAt = Date.now();
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
    assert.ok(Date.now() - toldAt < 1_500);
  });
