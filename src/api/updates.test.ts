import { describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import type { ImageDigest } from "../rollout/ids.ts";
import type { Service } from "../stack/stack.ts";
import { ApiWorld, base } from "./api-support.ts";

const newer = `sha256:${"b".repeat(64)}` as ImageDigest;
const baseDigest = `sha256:${"e".repeat(64)}`;

function web(): Service {
  const compose = { image: "registry.test/acme/web:1.4.2" };
  const service = aStackService("web", { compose });
  return { ...service, update: { channel: { kind: "patch" }, everySeconds: 86_400 } };
}

async function begin(): Promise<ApiWorld> {
  const api = new ApiWorld();
  await api.world.engine.reconciler.start();
  await api.deploy([web(), aStackService("api", { compose: { build: { context: "." } } })]);
  const running = (await api.call("GET", `${base}/updates`)).json as {
    services: { running: { digest: string } }[];
  };
  const digest = running.services[0]?.running.digest ?? "";
  api.registry.push("node", "24", { digest: `sha256:${"f".repeat(64)}` });
  api.registry.push("registry.test/acme/web", "1.4.2", {
    digest,
    createdAt: 1_000,
    base: { name: "node:24", digest: baseDigest },
  });
  return api;
}

describe("updates over the API", () => {
  it("show what runs beside what there is, and bases that moved (R-153, R-155)", async () => {
    const api = await begin();
    api.registry.push("registry.test/acme/web", "1.4.3", { digest: newer });
    const { json } = await api.call("GET", `${base}/updates`);
    expect(json).toMatchObject({
      services: [
        {
          service: "web",
          automatic: true,
          channel: { kind: "patch" },
          state: "outdated",
          newest: { reference: "registry.test/acme/web:1.4.3", digest: newer },
          createdAt: 1_000,
          base: { name: "node:24", outdated: true },
        },
        { service: "api", automatic: false, state: "built" },
      ],
    });
  });

  it("say why the registry could not be asked, service by service", async () => {
    const api = await begin();
    api.registry.fail(new Error("registry.test answered 503"));
    const { json } = await api.call("GET", `${base}/updates`);
    expect(json).toMatchObject({
      services: [{ state: "unknown", message: expect.stringContaining("503") }, { state: "built" }],
    });
  });

  it("are looked for at once when somebody says so (R-150)", async () => {
    const api = await begin();
    api.world.runtime.offer(newer);
    api.registry.push("registry.test/acme/web", "1.4.3", { digest: newer });
    api.parts.updates.updater.start();
    const answer = await api.call("POST", `${base}/updates/check`, { body: {} });
    expect(answer).toMatchObject({ status: 202, json: { services: ["web"] } });
    await api.world.until(
      () => api.world.serving("web").includes("registry.test/acme/web:1.4.3"),
      "1.4.3",
      30,
    );
  });

  it("show which images are kept and why, and prune the rest with a trace (R-060)", async () => {
    const api = await begin();
    const older = await api.call("GET", "/api/v1/images?keep=0");
    expect(older.json).toMatchObject({
      images: [
        { stack: "shop", service: "web", keeping: "live", releases: [1] },
        { stack: "shop", service: "api", keeping: "live" },
      ],
    });
    await api.deploy([{ ...web(), compose: { image: "registry.test/acme/web:2.0.0" } }]);
    await api.world.rest(4000);
    const pruned = await api.call("POST", "/api/v1/images/prune", { body: { keep: 1 } });
    expect(pruned).toMatchObject({
      status: 200,
      json: { images: [{ reference: "registry.test/acme/web:1.4.2" }, { service: "api" }] },
    });
    expect(api.world.store.audit.list(1)).toMatchObject([{ action: "images.prune", actor: "ada" }]);
    expect((await api.call("GET", "/api/v1/images?keep=-1")).status).toBe(400);
  });

  it("of a stack that is not there are not found", async () => {
    const api = await begin();
    const other = base.replace("shop", "nothing");
    expect((await api.call("GET", `${other}/updates`)).status).toBe(404);
    expect((await api.call("POST", `${other}/updates/check`, { body: {} })).status).toBe(404);
  });
});
