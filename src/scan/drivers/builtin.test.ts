import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { imageArchive, inPieces, type Layer } from "../archive-support.ts";
import { BuiltinScanner } from "./builtin.ts";

const scanner = new BuiltinScanner();
const signal = new AbortController().signal;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Put together here, so that no scanner takes this file for a leak. */
const a = (length: number) => "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzA".repeat(4).slice(0, length);
const github = `ghp_${a(36)}`;
const pem = (kind: string) => `-----BEGIN ${kind}PRIVATE KEY-----\n${a(64)}\n`;
const generated = "8f3Kq92LmXz71VbTn4RwYp6Hs0Dc";

async function scan(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-scan-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { findings } = await scanner.scanFolder(folder, signal);
  return findings;
}

async function scanLayers(layers: readonly Layer[], options: Parameters<typeof imageArchive>[1] = {}) {
  return await scanner.scanImage("web", inPieces(imageArchive(layers, options)), signal);
}

describe("secrets in a repository (R-105)", () => {
  it.each([
    ["github-token", github],
    ["github-token", `github_pat_${a(22)}_${a(59)}`],
    ["aws-access-key", `AKIA${"Q2W3E4R5T6Y7U2I3"}`],
    ["aws-secret-key", `aws_secret_access_key = "${a(40)}"`],
    ["slack-token", `xoxb-${"123456789012"}-${a(24)}`],
    ["slack-webhook", `https://hooks.slack.com/services/T${"0ABCDEFG"}/B${"0ABCDEFG"}/${a(24)}`],
    ["private-key", pem("RSA ")],
    ["private-key", pem("OPENSSH ")],
    ["private-key", pem("").replaceAll("\n", "\\n")],
    ["discord-bot-token", `M${a(25)}.${a(6)}.${a(38)}`],
    ["discord-webhook", `https://discord.com/api/webhooks/${"123456789012345678"}/${a(68)}`],
    ["stripe-key", `sk_${"live"}_${a(24)}`],
    ["npm-token", `npm_${a(36)}`],
  ])("finds a %s with its file and line", async (rule, secret) => {
    expect(await scan({ "src/config.ts": `// settings\n\nconst key = '${secret}';\n` })).toEqual([
      { kind: "secret", rule, path: "src/config.ts", line: 3 },
    ]);
  });

  it("finds a generated value in a file of variables, and no placeholder", async () => {
    const findings = await scan({
      ".env": `PORT=3000\nJWT_SECRET=${generated}\nAPI_TOKEN=change-me-in-production-please\nDB_PASSWORD=\${DB_PASSWORD}\n`,
      ".env.example": `JWT_SECRET=${generated}\n`,
      "app.ts": `JWT_SECRET=${generated}\n`,
    });
    expect(findings).toEqual([{ kind: "secret", rule: "generated-secret", path: ".env", line: 2 }]);
  });

  it("hands on what is allowed beside the line, with its last day", async () => {
    const mark = "roadstead:allow-secret until 2027-01-31";
    const findings = await scan({
      "one.ts": `const key = "${github}"; // ${mark} revoked`,
      "two.ts": `// ${mark} revoked\nconst key = "${github}";`,
      "three.ts": `// ${mark}\nconst key = "${github}";`,
    });
    const until = Date.parse("2027-02-01T00:00:00Z");
    expect(Object.fromEntries(findings.map((one) => [one.path, one.allowedUntil]))).toEqual({
      "one.ts": until,
      "two.ts": until,
      "three.ts": undefined,
    });
  });

  it("takes code that writes a key's frame for what it is", async () => {
    const code = `const text = \`-----BEGIN ${""}PRIVATE KEY-----\\n\${wrapped}\`;\nif (x) return 1;\n`;
    expect(await scan({ "pem.ts": code })).toEqual([]);
  });

  it("leaves out what is installed, locked or binary", async () => {
    expect(
      await scan({
        "node_modules/x/test.js": github,
        ".git/config": github,
        "package-lock.json": github,
        "logo.png": `\0\0${github}`,
      }),
    ).toEqual([]);
  });
});

describe("what is in an image's layers (R-050, R-056, R-105)", () => {
  it("finds an .env and a key in a layer, though a later layer removes them", async () => {
    const { findings } = await scanLayers([
      { "app/.env": "PORT=1\n", "app/deploy.pem": pem("") },
      { "app/.wh..env": "", "app/.wh.deploy.pem": "" },
    ]);
    expect(findings).toEqual([
      { kind: "secret", rule: "private-key", path: "app/deploy.pem", line: 1, image: "web" },
      { kind: "file", rule: "env-file", path: "app/.env", image: "web" },
    ]);
  });

  it("names build tools that the final image still has", async () => {
    const base = { "usr/bin/gcc": "x", "usr/bin/make": "x", "usr/bin/python3.12": "x", "usr/bin/node": "x" };
    const { findings } = await scanLayers([base, { "usr/bin/.wh.make": "" }]);
    expect(findings.map((one) => one.path)).toEqual(["usr/bin/gcc", "usr/bin/python3.12"]);
    expect((await scanLayers([base, { "usr/bin/.wh..wh..opq": "" }])).findings).toEqual([]);
  });

  it("looks at variables and build commands of the image", async () => {
    const { findings } = await scanLayers([{ "app/a.js": "1" }], {
      env: ["PATH=/bin", `JWT_SECRET=${generated}`],
      history: ["RUN npm ci", `RUN echo ${github} > ~/.npmrc`],
    });
    expect(findings).toMatchObject([
      { rule: "generated-secret", path: "environment", line: 2 },
      { rule: "github-token", path: "history", line: 2 },
    ]);
  });

  it.each([false, true])(
    "reads layers packed or not (gzip: %s) and long names; counts the size",
    async (gzip) => {
      const long = `app/${"folder/".repeat(20)}key.txt`;
      const { findings, bytes } = await scanLayers(
        [{ [long]: `\n${github}` }, { "app/b": "x".repeat(5000) }],
        {
          gzip,
        },
      );
      expect(findings).toMatchObject([{ rule: "github-token", path: long, line: 2 }]);
      expect(bytes).toBe(5000 + github.length + 1);
    },
  );

  it("marks what came with a dependency", async () => {
    const { findings } = await scanLayers([
      {
        "app/node_modules/x/test/key.pem": pem(""),
        "app/node_modules/x/.env": "A=1",
      },
    ]);
    expect(findings).toMatchObject([{ vendored: true }, { vendored: true }]);
  });

  it("refuses half an archive", async () => {
    const whole = imageArchive([{ a: "x".repeat(4000) }]);
    const half = inPieces(whole.subarray(0, 2000));
    await expect(scanner.scanImage("web", half, signal)).rejects.toMatchObject({
      code: "SCAN_ARCHIVE_BROKEN",
    });
  });
});
