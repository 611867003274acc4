import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { apiPrefix, type Endpoint } from "../../src/api/contract/endpoint.ts";
import { apiTable } from "../../src/api/contract/table.ts";
import { type CliOutcome, Platform, root } from "./platform.ts";

/** Wherever somebody or something puts it, this must be found nowhere. */
const secret = "zq7-leaky-value-4b19d0e2";

const compose = `
name: leaky
services:
  web:
    build: .
    environment: { PORT: "3000", API_KEY: "\${API_KEY:?set it}", CRASH: "\${CRASH:-}" }
    expose: ["3000"]
    x-roadstead:
      routes: [{ host: leaky.localhost, port: 3000 }]
      health: { http: /healthz, port: 3000 }
      drain: 1s
`;
const server = `
import { createServer } from "node:http";
const { API_KEY, CRASH, PORT } = process.env;
console.log("starting with " + API_KEY);
console.log("GET https://api.example.com/v1?key=" + API_KEY);
console.error(new Error("upstream refused " + API_KEY).stack);
if (CRASH === "1") throw new Error("cannot use " + API_KEY);
createServer((request, response) => {
  console.log("served " + request.url);
  response.end("ok");
}).listen(Number(PORT));
`;

let platform: Platform;
const folder = mkdtempSync(join(tmpdir(), "roadstead-leak-"));
const said: string[] = [];

beforeAll(async () => {
  writeFileSync(join(folder, "compose.yaml"), compose);
  writeFileSync(join(folder, "server.mjs"), server);
  writeFileSync(
    join(folder, "Dockerfile"),
    'FROM node:24-alpine\nCOPY server.mjs .\nCMD ["node", "server.mjs"]\n',
  );
  platform = await Platform.start({ runtime: "process", edge: "embedded" });
});

afterAll(async () => {
  await platform?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the CLI answers is what the API answered. */
async function cli(args: readonly string[], { input = "", exitCode = 0 } = {}): Promise<CliOutcome> {
  const outcome = await new Promise<CliOutcome>((resolve, reject) => {
    const argv = [join(root, "bin/cli.ts"), "--home", platform.home, ...args];
    const child = spawn(process.execPath, argv, { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (piece) => {
      output.stdout += piece;
    });
    child.stderr.on("data", (piece) => {
      output.stderr += piece;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 128, ...output }));
    child.stdin.end(input);
  });
  expect([args[0], outcome.exitCode, outcome.exitCode === exitCode ? "" : outcome.stderr]).toEqual([
    args[0],
    exitCode,
    "",
  ]);
  said.push(outcome.stdout, outcome.stderr);
  return outcome;
}

function throughEdge(path: string): Promise<void> {
  const at = { host: "127.0.0.1", port: platform.http, path, headers: { host: "leaky.localhost" } };
  return new Promise((resolve, reject) => {
    get(at, (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}

/** Every answer of every endpoint that only reads, for the owner. */
async function everyAnswer(ids: Readonly<Record<string, string>>): Promise<string[]> {
  const token = readFileSync(join(platform.home, "token"), "utf8").trim();
  const texts: string[] = [];
  const values: Record<string, string> = { stack: "leaky", environment: "production", release: "v1", ...ids };
  for (const endpoint of Object.values(apiTable).flatMap((group) => Object.values<Endpoint>(group))) {
    if (endpoint.method !== "GET" || endpoint.stream === "upgrade") continue;
    const path = endpoint.path.replace(/:(\w+)/g, (_, key: string) => values[key] ?? "API_KEY");
    const response = await fetch(`http://127.0.0.1:${platform.api}${apiPrefix}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      // Live streams never end: what they say in two seconds is enough.
      signal: AbortSignal.timeout(endpoint.stream === undefined ? 20_000 : 2000),
    });
    const text = await readSome(response);
    texts.push(`${endpoint.path}: ${text}`);
  }
  return texts;
}

async function readSome(response: Response): Promise<string> {
  let text = "";
  try {
    for await (const piece of response.body ?? []) text += Buffer.from(piece as Uint8Array).toString();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  return text;
}

/** Files of the home that hold the secret in clear; not those that a replica itself is given or writes. */
function filesWithSecret(under = ""): string[] {
  return readdirSync(join(platform.home, under)).flatMap((name) => {
    const path = join(under, name);
    if (path === "process") return [];
    const file = statSync(join(platform.home, path));
    if (file.isDirectory()) return filesWithSecret(path);
    return file.isFile() && readFileSync(join(platform.home, path)).includes(secret) ? [path] : [];
  });
}

it("finds a secret that was printed, failed with, asked for by URL, and written into the wrong fields, nowhere (R-107)", async () => {
  await cli(["secrets", "set", "API_KEY", "--stack", "leaky"], { input: secret });
  await cli(["deploy", "--label", `with ${secret}`, "--reason", `because of ${secret}`]);
  await throughEdge(`/search?key=${secret}`);
  const marked = ["--reason", `rotate ${secret}`];
  await cli(["restart", "--stack", "leaky", ...marked]);
  await cli(["freeze", "on", "--stack", "leaky", ...marked]);
  await cli(["freeze", "off"]);
  await cli(["token", "create", `for ${secret}`]);
  await cli(["env", "set", "CRASH=1", "--stack", "leaky"]);
  const failed = await cli(["deploy", ...marked], { exitCode: 1 });
  // It is the crash that is told, with its secret taken out.
  expect(failed.stdout + failed.stderr).toContain("cannot use ***");
  const logs = await cli(["logs", "--stack", "leaky", "--tail", "100"]);
  expect(logs.stdout).toContain("starting with ***");
  await cli(["audit", "export"]);
  await cli(["audit", "verify"]);

  const { deployments } = JSON.parse(
    await (
      await fetch(`http://127.0.0.1:${platform.api}${apiPrefix}/stacks/leaky/production/deployments`, {
        headers: { authorization: `Bearer ${readFileSync(join(platform.home, "token"), "utf8").trim()}` },
      })
    ).text(),
  ) as { deployments: { id: string; state: string }[] };
  expect(deployments.map(({ state }) => state)).toEqual(["failed", "succeeded", "succeeded"]);
  for (const { id } of deployments) said.push(...(await everyAnswer({ id })));

  expect(said.filter((text) => text.includes(secret)).map((text) => text.slice(0, 300))).toEqual([]);
  expect(filesWithSecret()).toEqual([]);
});
