import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../../lib/run.ts";
import type { ReplicaId } from "../../../rollout/ids.ts";
import type { ServiceAddress } from "../../port.ts";
import { DockerRuntime } from "../docker.ts";
import { DockerStage, docker, engineProblem, engineSocket, signal, until } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`docker networks (skipped: ${problem})`, () => undefined);
const httpd = { command: ["sh", "-c", "mkdir -p /www; hostname > /www/index.html; httpd -f -p 80 -h /www"] };

describe.skipIf(problem !== undefined)("networks separate and connect as the Compose file says", () => {
  let stage: DockerStage;
  const servers: Server[] = [];
  beforeEach(async () => {
    stage = await DockerStage.open();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await stage.close();
  });

  /** Stands for the edge: listens on a service's stable address and tells who asked. */
  async function listenAt(address: ServiceAddress | undefined): Promise<number> {
    const server = createServer((request, response) =>
      response.end(`edge ${request.socket.remoteAddress}\n`),
    );
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, address?.host, resolve);
    });
    return (server.address() as AddressInfo).port;
  }
  const wget = (id: ReplicaId, url: string) => stage.inside(id, `wget -q -T 2 -O - ${url}`);
  const serves = (id: ReplicaId, url: string) =>
    until(`an answer of ${url}`, async () => (await wget(id, url)).code === 0);

  it("an internal network has no way out, and a service reaches only networks it joined (R-116)", async () => {
    stage.networks = {
      front: { name: `${stage.scope.stack}_front` },
      data: { name: `${stage.scope.stack}_data`, internal: true },
    };
    await stage.resources({});
    const database = await stage.start("database", { ...httpd, networks: { data: null } });
    const api = await stage.start("api", { networks: { front: null, data: null } });
    const web = await stage.start("web", { ...httpd, networks: { front: null } });
    const addressOf = async (id: ReplicaId) => (await stage.observe(id))?.host;
    await serves(api.id, "http://database/");
    await serves(api.id, "http://web/");
    expect((await stage.inside(database.id, "ip route")).out).not.toMatch(/default/);
    expect((await stage.inside(web.id, "ip route")).out).toMatch(/default/);
    expect((await wget(database.id, `http://${await addressOf(web.id)}/`)).code).not.toBe(0);
    expect((await wget(web.id, `http://${await addressOf(database.id)}/`)).code).not.toBe(0);
    expect((await stage.inside(web.id, "nslookup database")).code).not.toBe(0);
    expect((await fetch(`http://${await addressOf(database.id)}/`)).status).toBe(200);
  });

  it("a direct service is found by name and alias, also after a restart with a new address (R-114)", async () => {
    await stage.resources({ database: ["default"] }, "direct");
    const networks = { default: { aliases: ["db"] } };
    const first = await stage.start("database", { ...httpd, networks });
    const api = await stage.start("api", { networks: { default: null } });
    await serves(api.id, "http://database/");
    const before = (await stage.observe(first.id))?.host;
    await stage.runtime.removeReplica(first.id, signal);
    await stage.start("squatter", { networks: { default: null } });
    const second = await stage.start("database", { ...httpd, networks }, { revision: "bbbbbbbbbb" });
    expect((await stage.observe(second.id))?.host).not.toBe(before);
    await serves(api.id, "http://database/");
    await serves(api.id, "http://db/");
  });

  it("a proxied service is reached at its stable address on the host, never at a replica by name (R-114)", async () => {
    stage.networks = { default: { name: `${stage.scope.stack}_default`, internal: true } };
    const [address] = await stage.resources({ api: ["default"] });
    const port = await listenAt(address);
    const options = { addressing: "proxied" as const };
    const api = await stage.start("api", { networks: { default: null } }, options);
    const web = await stage.start("web", { networks: { default: null } }, options);
    const source = (await stage.observe(web.id))?.host;
    expect((await wget(web.id, `http://api:${port}/`)).out).toBe(`edge ${source}`);
    expect((await stage.inside(web.id, "nslookup api 127.0.0.11")).code).not.toBe(0);
    expect(address?.allow).toHaveLength(1);
    await stage.runtime.stopReplica(web.id, 1, signal);
    await stage.runtime.startReplica(web, signal);
    await stage.runtime.removeReplica(api.id, signal);
    expect((await wget(web.id, `http://api:${port}/`)).out).toMatch(/^edge /);
    expect(await stage.resources({ api: ["default"], other: ["default"] })).toContainEqual(address);
  });

  it("puts a lost service address back, and no container ever gets one", async () => {
    const [address] = await stage.resources({ api: ["default"] });
    const network = JSON.parse(await docker("network", "inspect", `${stage.scope.stack}_default`))[0];
    const bridge = `br-${network.Id.slice(0, 12)}`;
    await run(["ip", "addr", "del", `${address?.host}/32`, "dev", bridge], { timeoutMs: 5000 });
    await expect(listenAt(address)).rejects.toThrow(/EADDRNOTAVAIL/);
    await stage.resources({ api: ["default"] });
    await listenAt(address);
    const last = (text: string | undefined) => Number(text?.split(".")[3]);
    expect(last(address?.host)).toBeGreaterThanOrEqual(128);
    const replica = await stage.start("web", { networks: { default: null } });
    expect(last((await stage.observe(replica.id))?.host)).toBeLessThan(128);
  });

  it("publishes on loopback unless told otherwise, leaves the edge's ports free, names a taken one (R-118)", async () => {
    await stage.resources({});
    const port = await freePort();
    const published = { hostIp: "127.0.0.1", port, by: "runtime" as const };
    const edgePort = await freePort();
    const ports = [
      { port: 80, protocol: "http" as const, published },
      {
        port: 81,
        protocol: "tcp" as const,
        published: { ...published, port: edgePort, by: "edge" as const },
      },
    ];
    const web = await stage.start("web", httpd, { ports });
    const answers = () => fetch(`http://127.0.0.1:${port}/`).then(({ ok }) => ok);
    await until("an answer", () => answers().catch(() => false));
    expect(await docker("port", web.id)).toBe(`80/tcp -> 127.0.0.1:${port}`);
    await expect(stage.start("second", httpd, { ports })).rejects.toMatchObject({
      code: "RUNTIME_PORT_TAKEN",
    });
  });

  it("leaves containers and networks of others alone", async () => {
    await stage.resources({});
    const name = `${stage.scope.stack}-foreign`;
    const taken = `${stage.scope.stack}-production-web-aaaaaaaaaa-0`;
    await docker("network", "create", name);
    for (const foreign of [name, taken]) {
      await docker("run", "-d", "--init", "--name", foreign, "--network", name, "busybox", "sleep", "600");
    }
    try {
      await expect(stage.start("web")).rejects.toMatchObject({ code: "RUNTIME_RESOURCE_FAILED" });
      await expect(stage.runtime.removeReplica(taken as ReplicaId, signal)).rejects.toMatchObject({
        code: "RUNTIME_RESOURCE_FAILED",
      });
      const seen = (await stage.runtime.observe("all", signal)).map((replica) => replica.id);
      expect(seen).not.toContain(taken);
      stage.networks = { default: { name } };
      await expect(stage.resources({})).rejects.toMatchObject({ code: "RUNTIME_RESOURCE_FAILED" });
      await stage.runtime.removeResources(stage.scope, { volumes: true }, signal);
      expect(await docker("inspect", "--format", "{{.State.Running}}", name, taken)).toBe("true\ntrue");
    } finally {
      await docker("rm", "-f", name, taken);
      await docker("network", "rm", name);
    }
  });

  it("says when a stack belongs to another control plane", async () => {
    await stage.resources({});
    const { id } = await stage.start("web");
    const other = new DockerRuntime({
      filesDirectory: stage.filesDirectory,
      owner: "somebody else",
      socketPath: engineSocket,
    });
    const { scope, networks, volumes } = stage;
    const ensured = other.ensureResources({ scope, networks, volumes, services: [] }, signal);
    await expect(ensured).rejects.toMatchObject({ message: expect.stringMatching(/another control plane/) });
    const stopped = other.stopReplica(id, 1, signal);
    await expect(stopped).rejects.toMatchObject({ message: expect.stringMatching(/another control plane/) });
    expect(await other.observe("all", signal)).toEqual([]);
    await other.removeResources(scope, { volumes: true }, signal);
    expect(await stage.observe(id)).toMatchObject({ state: "running" });
    await other.close();
  });

  it("keeps environments apart: outside production names carry the environment", async () => {
    stage.scope.environment = "staging";
    await stage.resources({});
    expect(
      await docker("volume", "inspect", "--format", "{{.Name}}", `${stage.scope.stack}_data-staging`),
    ).toBe(`${stage.scope.stack}_data-staging`);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
