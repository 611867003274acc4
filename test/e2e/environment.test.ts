import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/lib/run.ts";
import { type CliOutcome, freePort, Platform, root } from "./platform.ts";

const first = "first-value-of-the-session-7f3a";
const second = "second-value-of-the-session-91bc";
const vaulted = "value-kept-in-vault-55de";

const compose = `
name: vaulty
services:
  web:
    build: .
    environment:
      PORT: "3000"
      SESSION_SECRET: \${SESSION_SECRET:?generate one}
      MAIL_TOKEN: \${MAIL_TOKEN:-none}
      GREETING: \${GREETING:-hello}
    expose: ["3000"]
    x-roadstead:
      routes: [{ host: vaulty.localhost, port: 3000 }]
      health: { http: /healthz, port: 3000 }
      drain: 1s
x-roadstead:
  pipeline:
    jobs:
      show: { secrets: [SESSION_SECRET], steps: ["echo the key is $$SESSION_SECRET"] }
`;
const server = `
import { createServer } from "node:http";
console.log("my secret is " + process.env.SESSION_SECRET + " and " + process.env.MAIL_TOKEN);
createServer((_request, response) => {
  const { SESSION_SECRET, MAIL_TOKEN, GREETING } = process.env;
  response.end(JSON.stringify({ SESSION_SECRET, MAIL_TOKEN, GREETING }));
}).listen(Number(process.env.PORT));
`;

let platform: Platform;
const folder = mkdtempSync(join(tmpdir(), "roadstead-environment-"));

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

/** The CLI in the stack's folder, with something on its standard input. */
function withInput(args: readonly string[], input: string): Promise<CliOutcome> {
  return new Promise((resolve, reject) => {
    const argv = [join(root, "bin/cli.ts"), "--home", platform.home, ...args];
    const child = spawn(process.execPath, argv, { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    const outcome = { stdout: "", stderr: "" };
    child.stdout.on("data", (piece) => {
      outcome.stdout += piece;
    });
    child.stderr.on("data", (piece) => {
      outcome.stderr += piece;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 128, ...outcome }));
    child.stdin.end(input);
  });
}

async function done(args: readonly string[], input = ""): Promise<CliOutcome> {
  const outcome = await withInput(args, input);
  expect(`${args.join(" ")} exits ${outcome.exitCode}\n${outcome.exitCode === 0 ? "" : outcome.stderr}`).toBe(
    `${args.join(" ")} exits 0\n`,
  );
  return outcome;
}

/** Everything that git said. */
async function git(...argv: string[]): Promise<string> {
  const token = readFileSync(join(platform.home, "token"), "utf8").trim();
  const env = {
    ...(process.env as Record<string, string>),
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Bearer ${token}`,
  };
  const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
  const { stdout, stderr } = await run(["git", "-C", folder, ...who, ...argv], { env, timeoutMs: 120_000 });
  return stdout + stderr;
}

/** What the service has, asked through the edge. */
function seen(): Promise<Record<string, string>> {
  const at = { host: "127.0.0.1", port: platform.http, headers: { host: "vaulty.localhost" } };
  return new Promise((resolve, reject) => {
    get(at, (response) => {
      let text = "";
      response.on("data", (piece) => {
        text += piece;
      });
      response.on("end", () => resolve(JSON.parse(text) as Record<string, string>));
    }).on("error", reject);
  });
}

/** Everything that the control plane keeps, but for what services themselves wrote. */
function keptText(): string {
  const files = readdirSync(platform.home).filter((name) => /^roadstead\.db|\.log$|\.json$/.test(name));
  expect(files).toContain("roadstead.db");
  return files.map((name) => readFileSync(join(platform.home, name), "latin1")).join("\n");
}

describe("variables and secrets of an environment, on the whole product", () => {
  it("R-100: a deploy without a required secret is refused by name", async () => {
    const outcome = await withInput(["deploy"], "");
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain("SESSION_SECRET");
  });

  it("R-097, R-104, R-107: a secret reaches the service and nothing else", async () => {
    const set = await done(["secrets", "set", "SESSION_SECRET"], `${first}\n`);
    expect(set.stdout + set.stderr).not.toContain(first);
    await done(["env", "set", "GREETING=good day"]);
    const deployed = await done(["deploy", "--verbose"]);
    expect(await seen()).toEqual({ SESSION_SECRET: first, MAIL_TOKEN: "none", GREETING: "good day" });
    const listed = await done(["env", "list", "--json"]);
    const logs = await done(["logs", "-s", "vaulty"]);
    expect(logs.stdout).toContain("my secret is *** and none");
    expect(deployed.stdout + deployed.stderr + listed.stdout + logs.stdout).not.toContain(first);
    expect(keptText()).not.toContain(first);
  });

  it("R-107: a value in the command line, or a secret as a plain variable, is refused", async () => {
    expect((await withInput(["secrets", "set", "SESSION_SECRET=x"], "")).exitCode).toBe(2);
    const plain = await withInput(["env", "set", "API_TOKEN=abc"], "");
    expect(plain.exitCode).toBe(1);
    expect(plain.stderr).toContain("API_TOKEN looks like a secret");
  });

  it("R-108: a rotation names and replaces what uses the secret; R-112: a rollback brings the old value back", async () => {
    const rotated = await done(["secrets", "rotate", "SESSION_SECRET", "--yes"], second);
    expect(rotated.stderr).toContain("web: replaced by blue-green");
    expect(await seen()).toMatchObject({ SESSION_SECRET: second });
    await done(["rollback", "vaulty"]);
    expect(await seen()).toMatchObject({ SESSION_SECRET: first });
    const pending = await done(["env", "diff"]);
    expect(pending.stdout).toMatch(/~\s+SESSION_SECRET\s+\*\*\*\s+\*\*\*/);
    expect(keptText()).not.toContain(second);
  });

  it("R-104: under a new key everything is still there", async () => {
    const key = readFileSync(join(platform.home, "key"));
    expect((await done(["secrets", "rotate-key", "--yes"])).stdout).toMatch(/^\d+ values are encrypted/);
    expect(readFileSync(join(platform.home, "key")).equals(key)).toBe(false);
    await done(["deploy"]);
    expect(await seen()).toMatchObject({ SESSION_SECRET: second });
    await done(["rollback", "vaulty"]);
    expect(await seen()).toMatchObject({ SESSION_SECRET: first });
  });

  it("R-097, R-101, R-107: a push takes the same variables, masks them in its run, names a committed .env", async () => {
    writeFileSync(join(folder, ".env"), "GREETING=from the file\n");
    await git("init", "--quiet", "--initial-branch=main");
    await git("add", "--all");
    await git("commit", "--quiet", "-m", "Everything");
    const pushed = await git("push", `http://127.0.0.1:${platform.api}/git/vaulty.git`, "main");
    rmSync(join(folder, ".env"));
    expect(pushed).toContain(".env is committed");
    expect(pushed).toContain("the key is ***");
    expect(pushed).not.toContain(second);
    expect(await seen()).toMatchObject({ SESSION_SECRET: second, GREETING: "good day" });
    expect(keptText()).not.toContain(second);
  });

  it("R-101, R-111: imports a .env file, exports the plain part with mode 0600, compares environments", async () => {
    const text = `# comment
export GREETING="good\\nnight"
QUOTED='it is $5 # not a comment'
SESSION_SECRET=${first}
DATABASE_URL=postgres://app:${first}@db/app
`;
    writeFileSync(join(folder, "staging.txt"), text);
    const imported = await done(["env", "import", "staging.txt", "--env", "staging"]);
    expect(imported.stderr).toContain("kept as secrets: SESSION_SECRET, DATABASE_URL");
    await done(["env", "export", "--env", "staging", "-o", "exported.txt"]);
    const exported = readFileSync(join(folder, "exported.txt"), "utf8");
    expect(exported).toContain("# SESSION_SECRET is a secret");
    expect(exported + imported.stdout).not.toContain(first);
    expect(statSync(join(folder, "exported.txt")).mode & 0o777).toBe(0o600);
    await done(["env", "import", "exported.txt", "--env", "copy"]);
    const compared = await done(["env", "diff", "staging", "copy"]);
    expect(
      compared.stdout
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(/\s+/)[1]),
    ).toEqual(["DATABASE_URL", "SESSION_SECRET"]);
    expect(compared.stdout).not.toContain(first);
  });

  it("R-102: a reference is read from Vault at the deploy; Vault down: refused, the service goes on", async () => {
    const port = await freePort();
    let status = 200;
    const vault = createServer((request, response) => {
      const known = request.url === "/v1/kv/data/mail" && request.headers["x-vault-token"] === "t0ken";
      response.writeHead(known ? status : 403, { "content-type": "application/json" });
      response.end(
        JSON.stringify(known && status === 200 ? { data: { data: { token: vaulted } } } : { errors: [] }),
      );
    });
    await new Promise<void>((resolve) => vault.listen(port, "127.0.0.1", resolve));
    try {
      writeFileSync(join(platform.home, "vault-token"), "t0ken\n", { mode: 0o600 });
      const settings = {
        vault: {
          address: `http://127.0.0.1:${port}`,
          login: { tokenFile: join(platform.home, "vault-token") },
        },
      };
      writeFileSync(join(platform.home, "secrets.json"), JSON.stringify(settings));
      chmodSync(join(platform.home, "secrets.json"), 0o600);
      await done(["secrets", "set", "MAIL_TOKEN", "--from", "vault:kv/mail#token"]);
      await done(["deploy"]);
      expect(await seen()).toMatchObject({ MAIL_TOKEN: vaulted, SESSION_SECRET: second });
      status = 503;
      const refused = await withInput(["deploy"], "");
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain("MAIL_TOKEN: vault:kv/mail#token: Vault is sealed or in maintenance");
      expect(await seen()).toMatchObject({ MAIL_TOKEN: vaulted });
      expect(keptText()).not.toContain(vaulted);
    } finally {
      vault.close();
    }
  });
});
