import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { scope } from "../reconciler/world-support.ts";
import type { DeploymentId } from "../rollout/ids.ts";
import type { Deployment } from "../store/port.ts";
import { ApiWorld, deployBody } from "./api-support.ts";
import { type ApiClient, createClient } from "./contract/client.ts";
import { ApiError } from "./contract/client-error.ts";
import { exec } from "./contract/exec-client.ts";
import { followDeployment } from "./contract/follow-deployment.ts";
import type { DeploymentEvent } from "./contract/models.ts";
import { type ApiServer, createServer } from "./server.ts";

const running: ApiServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function started(
  api = new ApiWorld(),
  port = 0,
): Promise<{ api: ApiWorld; url: string; client: ApiClient }> {
  const server = port === 0 ? api.server : createServer(api.parts);
  running.push(server);
  const url = await server.listen({ host: "127.0.0.1", port });
  return { api, url, client: createClient({ baseUrl: url, token: api.token }) };
}

/** A deployment whose journal the test writes itself. */
function scripted({ world }: ApiWorld, id = "dep_1"): DeploymentId {
  const deployment: Deployment = {
    id: id as DeploymentId,
    scope,
    kind: "deploy",
    state: "running",
    requestedBy: "ada",
    reason: "",
    createdAt: world.clock.now(),
  };
  world.store.deployments.create(deployment);
  return deployment.id;
}

function write({ world }: ApiWorld, deployment: DeploymentId, line: string): number {
  const at = world.clock.now();
  return world.store.deployments.append({ deployment, at, event: "output", key: "k", line }).seq;
}

function finish({ world }: ApiWorld, deployment: DeploymentId): void {
  world.store.transaction(() => {
    world.store.deployments.update(deployment, { state: "succeeded", finishedAt: world.clock.now() });
    const at = world.clock.now();
    world.store.deployments.append({
      deployment,
      at,
      event: "stateChanged",
      state: "succeeded",
      message: "",
    });
  });
}

async function next(events: AsyncIterator<DeploymentEvent>): Promise<DeploymentEvent> {
  const { value, done } = await events.next();
  if (done) throw new Error("the events ended");
  return value;
}

function lineOf(event: DeploymentEvent): string | undefined {
  return event.type === "entry" && event.entry.event === "output" ? event.entry.line : undefined;
}

describe("API over real sockets", () => {
  it("follows a deployment across a restart of the control plane: each entry once, in order, to the end", async () => {
    const { api, url, client } = await started();
    const id = scripted(api);
    const lost: string[] = [];
    const events = followDeployment(client, id, { clock: systemClock, onLost: () => lost.push("lost") });
    write(api, id, "one");
    expect(lineOf(await next(events))).toBe("one");
    const two = next(events);
    write(api, id, "two");
    expect(lineOf(await two)).toBe("two");

    await running.splice(0)[0]?.close();
    write(api, id, "while away");
    const three = next(events);
    await started(api, Number(new URL(url).port));
    expect(lineOf(await three)).toBe("while away");
    finish(api, id);
    expect(await next(events)).toMatchObject({ entry: { event: "stateChanged" } });
    expect(await next(events)).toMatchObject({ type: "end", deployment: { state: "succeeded" } });
    expect((await events.next()).done).toBe(true);
    expect(lost).toEqual(["lost"]);
  });

  it("says that no control plane answers, and hands on the server's own refusals", async () => {
    const { client, url } = await started();
    await expect(client.stacks.status({ params: { stack: "no", environment: "x" } })).rejects.toMatchObject({
      status: 404,
      code: "ENGINE_STACK_UNKNOWN",
    });
    await running.splice(0)[0]?.close();
    await expect(client.system.version()).rejects.toMatchObject({ code: "API_UNREACHABLE" });
    await expect(
      followDeployment(createClient({ baseUrl: url }), "x", { clock: systemClock, awayLimitMs: 1 }).next(),
    ).rejects.toMatchObject({ code: "API_UNREACHABLE" });
  });

  it("holds nothing back for a client that does not read, and gives it everything once it does", async () => {
    const { api, url } = await started();
    const id = scripted(api);
    const lines = 3000;
    for (let n = 0; n < lines; n += 1) write(api, id, `${n} ${"x".repeat(5000)}`);
    finish(api, id);
    const slow = request(`${url}/api/v1/deployments/${id}/events`, {
      headers: { authorization: `Bearer ${api.token}` },
    }).end();
    const [response] = await once(slow, "response");
    response.pause();
    const journal = api.world.store.deployments.journal;
    let read = 0;
    api.world.store.deployments.journal = (...args) => {
      read += 1;
      return journal(...args);
    };
    // Another request goes its way meanwhile; the stalled one has not read its 15 pieces ahead.
    const other = createClient({ baseUrl: url, token: api.token });
    for (let n = 0; n < 20; n += 1) await other.system.version();
    expect(read).toBeLessThan(15);
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.resume();
    await once(response, "end");
    expect(text.match(/^event: entry$/gm)?.length).toBe(lines + 1);
    expect(text).toMatch(/event: end\n/);
  });

  it("follows logs until the client leaves, and then stops reading them (R-251)", async () => {
    const { api, client } = await started();
    api.world.runtime.behave("web", { lines: ["one", "two"] });
    await api.deploy();
    const stop = new AbortController();
    const logs = client.operate.logs({
      params: scope,
      query: { follow: true, tail: 1 },
      signal: stop.signal,
    });
    const seen: string[] = [];
    const ended = (async () => {
      for await (const line of logs) {
        seen.push(line.text);
        stop.abort(new Error("enough"));
      }
    })();
    await expect(ended).rejects.toThrow("enough");
    expect(seen).toEqual(["two"]);
  });

  it("runs a command in a replica, both streams and the exit code, with one audit entry without its arguments", async () => {
    const { api, url } = await started();
    api.world.runtime.behave("web", { exec: { exitCode: 3, stdout: "out", stderr: "err" } });
    await api.deploy();
    const output = { stdout: "", stderr: "" };
    const run = (service: string, token = api.token) =>
      exec(
        { baseUrl: url, token },
        {
          params: scope,
          request: { service, argv: ["psql", "password=hunter2"] },
          onStdout: (chunk) => {
            output.stdout += Buffer.from(chunk).toString();
          },
          onStderr: (chunk) => {
            output.stderr += Buffer.from(chunk).toString();
          },
        },
      );
    expect([await run("web"), output]).toEqual([3, { stdout: "out", stderr: "err" }]);
    const [entry] = api.world.store.audit.list(1);
    expect(entry).toMatchObject({
      actor: "ada",
      action: "exec",
      detail: { service: "web", program: "psql" },
    });
    expect(JSON.stringify(entry)).not.toContain("hunter2");
    await expect(run("nope")).rejects.toMatchObject({ code: "ENGINE_SERVICE_UNKNOWN" });
    const refused = await run("web", "road_wrong").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 401, code: "API_TOKEN_INVALID" });
    expect(api.world.store.audit.list(10).filter((e) => e.action === "exec")).toHaveLength(1);
  });

  it("refuses an exec upgrade of another site's page", async () => {
    const { api, url } = await started();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(
      `GET /api/v1/stacks/shop/production/exec HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: https://evil.example\r\n` +
        `authorization: Bearer ${api.token}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    const [data] = await once(socket, "data");
    expect(String(data)).toMatch(/^HTTP\/1\.1 403 [\s\S]*API_ORIGIN_REFUSED/);
    socket.destroy();
  });

  it("closes within seconds although streams are open", async () => {
    const { api, client } = await started();
    const id = scripted(api);
    write(api, id, "one");
    const events = client.deployments.events({ params: { id } })[Symbol.asyncIterator]();
    await next(events);
    const rest = events.next().catch((error: unknown) => error);
    const begun = Date.now();
    await running.splice(0)[0]?.close();
    expect(Date.now() - begun).toBeLessThan(4000);
    await rest;
  });

  it("accepts a deploy with the client as the CLI makes it", async () => {
    const { api, client } = await started();
    const { deployment } = await client.deployments.create({
      params: scope,
      body: { bundle: deployBody()["bundle"], label: "1.0" } as Parameters<
        typeof client.deployments.create
      >[0]["body"],
    });
    await api.world.finished(deployment);
    const { releases } = await client.stacks.releases({ params: scope });
    expect(releases.map((release) => [release.number, release.label, release.current])).toEqual([
      [1, "1.0", true],
    ]);
  });
});
