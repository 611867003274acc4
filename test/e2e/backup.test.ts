import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackupView } from "../../src/api/contract/backups.ts";
import { Platform } from "./platform.ts";

const restic = spawnSync("restic", ["version"]).status === 0;
if (!restic && process.env["CI"] === "true") throw new Error("restic is needed: apt install restic");

const compose = `
name: keeper
services:
  web:
    build: .
    environment: { PORT: "3000" }
    expose: ["3000"]
    volumes: ["files:/data"]
    x-roadstead:
      routes: [{ host: keeper.localhost, port: 3000 }]
volumes:
  files:
`;
/** 60 MiB that do not compress: long enough to be killed in the middle of it. */
const server = `
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
const folder = process.argv[2];
if (!existsSync(folder + "/note.txt")) {
  for (let n = 0; n < 60; n += 1) writeFileSync(folder + "/photo" + n, randomBytes(1 << 20));
  writeFileSync(folder + "/note.txt", "written by the service");
}
createServer((_request, response) => response.end("ok")).listen(Number(process.env.PORT));
`;
const dockerfile = 'FROM node:24-alpine\nCOPY server.mjs .\nCMD ["node", "server.mjs", "/data"]\n';

let platform: Platform;
const folder = mkdtempSync(join(tmpdir(), "roadstead-backup-"));

async function backups(): Promise<BackupView[]> {
  return (await platform.json<{ backups: BackupView[] }>(["backup", "list", "-s", "keeper"])).backups;
}

/** Polls; a backup that never comes so far fails loudly. */
async function until(what: string, holds: (newest: BackupView | undefined) => boolean): Promise<BackupView> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const [newest] = await backups();
    if (newest && holds(newest)) return newest;
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}\n${platform.logTail()}`);
  }
}

describe.skipIf(!restic)("backups end to end (skipped: restic is not installed)", () => {
  beforeAll(async () => {
    writeFileSync(join(folder, "compose.yaml"), compose);
    writeFileSync(join(folder, "server.mjs"), server);
    writeFileSync(join(folder, "Dockerfile"), dockerfile);
    platform = await Platform.start({ runtime: "process", edge: "embedded" });
    await platform.ok(["deploy", "-f", join(folder, "compose.yaml")]);
    await platform.ok(["backup", "repository", "add", "main", join(folder, "repository")]);
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("backs a volume up, proves it, and brings it back as a plain archive (R-139, R-258)", async () => {
    await platform.ok(["backup", "run", "-s", "keeper"]);
    const [run] = await backups();
    expect(run).toMatchObject({ source: "files", state: "done", verdict: "verified" });
    expect(run?.manifest?.parts).toMatchObject([{ name: "files", rows: 61 }]);
    await platform.ok(["backup", "pull", "-s", "keeper", "--to", join(folder, "pulled")]);
    const place = join(folder, "pulled/keeper/production/files");
    const [name = ""] = readdirSync(place);
    const listed = spawnSync("tar", ["-xOf", join(place, name), "./note.txt"], { encoding: "utf8" });
    expect(listed.stdout).toBe("written by the service");
  });

  it("killed in the middle of one, takes it up again and leaves nothing half (R-134)", async () => {
    await platform.ok(["backup", "run", "-s", "keeper", "--no-wait"]);
    await until(
      "the dump to run",
      ({ state, phase } = {} as BackupView) => state === "running" && phase === "dump",
    );
    const { pid } = JSON.parse(readFileSync(join(platform.home, "control-plane.pid"), "utf8")) as {
      pid: number;
    };
    process.kill(pid, "SIGKILL");
    await platform.up();
    const run = await until(
      "the verdict",
      (newest) => newest?.state === "done" || newest?.state === "failed",
    );
    expect(run).toMatchObject({ state: "done", verdict: "verified" });
    await platform.ok(["backup", "repository", "check", "main", "--read-data"]);
    const { key } = await platform.json<{ key: string }>(["backup", "repository", "key", "main"]);
    const found = spawnSync("restic", ["--repo", join(folder, "repository"), "snapshots", "--json"], {
      env: { ...process.env, RESTIC_PASSWORD: key },
      encoding: "utf8",
    });
    const tags = (JSON.parse(found.stdout) as { tags: string[] }[]).map((snapshot) => snapshot.tags);
    // Beside them lie copies of the platform itself, of which one may be under way at this moment.
    const own = tags.filter((of) => !of.includes("scope=roadstead"));
    expect(own.filter((of) => of.includes("kind=volume"))).toHaveLength(2);
    expect(own.filter((of) => of.includes("torn"))).toEqual([]);
    expect(readdirSync(join(platform.home, "process/volumes"))).toEqual(["keeper_files"]);
  });

  it("calls it suspect when the files are gone, ends with 1, and keeps the good ones", async () => {
    const volume = join(platform.home, "process/volumes/keeper_files");
    for (const name of readdirSync(volume)) rmSync(join(volume, name));
    const outcome = await platform.cli(["backup", "run", "-s", "keeper"]);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toMatch(/suspect {2}.*it is empty; the last verified one had 61 rows/);
    expect((await backups()).map(({ verdict }) => verdict)).toEqual(["suspect", "verified", "verified"]);
  });
});
