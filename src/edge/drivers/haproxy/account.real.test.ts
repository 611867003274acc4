import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, backend, createWorld, freePort, route, startBackend } from "../../conformance-support.ts";
import { HaproxyEdge } from "../haproxy.ts";
import { parseAccount, workerAccount } from "./account.ts";
import { askSocket } from "./admin-socket.ts";
import { layoutOf } from "./layout.ts";
import { installed } from "./real-support.ts";

if (!installed && process.env["CI"] === "true") throw new Error("CI needs haproxy: apt-get install haproxy");

const root = installed && process.getuid?.() === 0 && workerAccount("/home") !== undefined;

describe("HAProxy's account", () => {
  it("is the one of that name, never root", () => {
    const passwords = "root:x:0:0::/root:/bin/sh\nhaproxy:x:102:105::/var/lib/haproxy:/usr/sbin/nologin\n";
    expect(parseAccount(passwords, "haproxy")).toEqual({ name: "haproxy", user: 102, group: 105 });
    expect(parseAccount(passwords, "root")).toBeUndefined();
    expect(parseAccount(passwords, "nobody")).toBeUndefined();
  });

  if (!root) it.skip("skipped: needs root, haproxy and an account of that name", () => undefined);
  else it("serves, hands over at a reload and reads files without root's rights", withoutRights, 60_000);
});

async function withoutRights(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "rs-hp-"));
  await chmod(home, 0o711);
  await writeFile(join(home, "index.html"), "<h1>site</h1>");
  const edge = new HaproxyEdge({ home });
  const red = await startBackend("red");
  const world = await createWorld({ edge, close: () => edge.stop() });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const action = { kind: "files", root: home, spa: true } as const;
    const routes = [route("app.test", "/", "web"), route("site.test", "/", "", { action })];
    const config = { routes, backends: [backend("web", [red])] };
    await world.apply(config);
    const first = await workerOf(home);
    expect(await userOf(first)).toBe(workerAccount(home)?.user);
    expect(await served(world.httpPort, agent)).toBe("red");
    expect((await ask(world, "site.test", "/")).body.toString()).toBe("<h1>site</h1>");
    const port = await freePort();
    const listener = {
      host: "127.0.0.1",
      port,
      protocol: "http",
      backend: "web",
      allow: ["127.0.0.1"],
    } as const;
    await world.apply({ ...config, internal: [listener] });
    expect(await workerOf(home)).not.toBe(first);
    expect(await served(world.httpPort, agent)).toBe("red");
    expect((await ask(world, "app.test", "/", { port })).target).toBe("red");
  } finally {
    agent.destroy();
    await world.close();
    await red.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function workerOf(home: string): Promise<number> {
  const info = await askSocket(layoutOf(home).adminSocket, "show info");
  return Number(/^Pid: (\d+)$/m.exec(info)?.[1]);
}

async function userOf(pid: number): Promise<number> {
  return Number(/^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** The target that answered on the agent's one connection. */
function served(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = get({ host: "127.0.0.1", port, agent, headers: { host: "app.test" } }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(String(answer.headers["x-served-by"])));
    });
    sent.once("error", reject);
  });
}
