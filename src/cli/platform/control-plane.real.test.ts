import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testContext } from "../cli-support.ts";
import {
  answersHealth,
  assertPortsFree,
  endProcess,
  findControlPlane,
  findEdges,
  type PlatformOptions,
  startInBackground,
} from "./control-plane.ts";
import { isAlive, listenerOf } from "./processes.ts";

/** A control plane reduced to what starting and stopping one needs: arguments, a health endpoint, SIGTERM. */
const answering = `
import { createServer } from "node:http";
const [host, port] = process.argv[process.argv.indexOf("--api") + 1].split(":");
createServer((request, response) => {
  response.writeHead(request.url === "/api/v1/health" ? 200 : 404).end("{}");
}).listen(Number(port), host, () => console.log("listening"));
`;

const folders: string[] = [];
const pids: number[] = [];
const servers: Server[] = [];
let home = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "roadstead-up-"));
  folders.push(home);
});
afterEach(async () => {
  for (const pid of pids.splice(0)) await endProcess(pid);
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function script(name: string, text: string): string {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
}

async function listen(port = 0): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const port = await listen();
  const server = servers.pop();
  await new Promise((resolve) => server?.close(resolve));
  return port;
}

async function options(changes: Partial<PlatformOptions> = {}): Promise<PlatformOptions> {
  const address = async () => ({ host: "127.0.0.1", port: await freePort() });
  return {
    home,
    runtime: "process",
    edge: "embedded",
    http: await address(),
    https: await address(),
    api: await address(),
    ...changes,
  };
}

describe("starting the control plane in the background", () => {
  it("returns once the API answers, is found again by its home, and ends on request", async () => {
    const wanted = await options();
    const context = testContext({ controlPlane: [process.execPath, script("control-plane.js", answering)] });
    const pid = await startInBackground(wanted, context);
    pids.push(pid);
    expect(await answersHealth(`127.0.0.1:${wanted.api.port}`)).toBe(true);
    expect(findControlPlane(home)?.pid).toBe(pid);
    expect(findControlPlane("/another/home")).toBeUndefined();
    expect(await endProcess(pid)).toBe(true);
    expect(isAlive(pid)).toBe(false);
    expect(await endProcess(pid)).toBe(false);
  });

  it("shows the last lines of its log when it ends at the start", async () => {
    const failing = script(
      "control-plane.js",
      'console.error("cannot open the store: disk full"); process.exit(7);',
    );
    const context = testContext({ controlPlane: [process.execPath, failing] });
    await expect(startInBackground(await options(), context)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/exit code 7[\s\S]*\| cannot open the store: disk full/),
      hint: expect.stringContaining("control-plane.log"),
    });
  });

  it("gives up at once on Ctrl-C and leaves nothing behind", async () => {
    const silent = script("control-plane.js", "setInterval(() => undefined, 1000);");
    const context = testContext({
      controlPlane: [process.execPath, silent],
      signal: AbortSignal.timeout(300),
    });
    const before = Date.now();
    await expect(startInBackground(await options(), context)).rejects.toMatchObject({ exitCode: 130 });
    expect(Date.now() - before).toBeLessThan(5000);
    expect(findControlPlane(home)).toBeUndefined();
  });
});

describe("ports", () => {
  it("in use by somebody else are named with their owner before anything starts", async () => {
    const port = await listen();
    const wanted = await options({ http: { host: "127.0.0.1", port } });
    await expect(assertPortsFree(wanted)).rejects.toMatchObject({
      code: "CLI_PORT_IN_USE",
      message: expect.stringContaining(`127.0.0.1:${port} is in use by`),
      hint: expect.stringContaining("--http"),
    });
    if (process.platform === "linux") expect(listenerOf(port)?.pid).toBe(process.pid);
  });

  it("held by the edge of the same home are ours: it goes on while the control plane is away", async () => {
    const edge = script("edge.js", answering);
    const api = { host: "127.0.0.1", port: await freePort() };
    const context = testContext({ controlPlane: [process.execPath, edge] });
    const pid = await startInBackground(await options({ api }), context);
    pids.push(pid);
    expect(findEdges(home).map((info) => info.pid)).toEqual([pid]);
    await assertPortsFree(await options({ http: api }));
    await expect(assertPortsFree(await options({ http: api, home: "/another/home" }))).rejects.toMatchObject({
      code: "CLI_PORT_IN_USE",
    });
  });
});
