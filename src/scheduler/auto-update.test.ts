import { describe, expect, it } from "vitest";
import type { ApprovalRule } from "../policy/approval.ts";
import { aStackService, by, requestFor, scope, World } from "../reconciler/world-support.ts";
import { MemoryRegistry } from "../registry/drivers/memory.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ImageDigest } from "../rollout/ids.ts";
import type { Service, UpdatePolicy } from "../stack/stack.ts";
import type { Store } from "../store/port.ts";
import { UpdateApprovals } from "./approvals.ts";
import { AutoUpdater } from "./auto-update.ts";
import type { UpdateEvent } from "./parts.ts";
import { UpdateBook } from "./update-book.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as ImageDigest;
const repository = "registry.test/acme/web";
const byTag: UpdatePolicy = { channel: { kind: "tag", tag: "latest" }, everySeconds: 300 };

function service(name: string, update: UpdatePolicy | undefined, tag = "latest"): Service {
  const compose = { image: `registry.test/acme/${name}:${tag}` };
  return { ...aStackService(name, { compose }), ...(update ? { update } : {}) };
}

class Updates {
  readonly world = new World();
  readonly registry = new MemoryRegistry();
  readonly events: UpdateEvent[] = [];
  frozen: string | undefined;
  rule: ApprovalRule | undefined;
  updater: AutoUpdater;

  constructor() {
    this.updater = this.#newUpdater();
  }

  /** How often the store was asked, by method. */
  readonly asked = { scopes: 0, releases: 0 };

  #newUpdater(): AutoUpdater {
    return new AutoUpdater({
      ...this.world.parts(),
      store: this.#countingStore(),
      engine: this.world.engine,
      registry: this.registry,
      frozenBy: () => this.frozen,
      approvalFor: () => this.rule,
      onUpdate: (event) => void this.events.push(event),
    });
  }

  #countingStore(): Store {
    const { asked, world } = this;
    const { store } = world;
    return {
      ...store,
      scopes: {
        ...store.scopes,
        list: () => {
          asked.scopes += 1;
          return store.scopes.list();
        },
      },
      releases: {
        ...store.releases,
        get: (id) => {
          asked.releases += 1;
          return store.releases.get(id);
        },
      },
    };
  }

  /** A stack whose images are what the registry has now. */
  async begin(services: readonly Service[]): Promise<void> {
    await this.world.engine.reconciler.start();
    await this.world.deploy(services);
    const release = this.world.store.releases.list(scope, 1)[0];
    for (const [name, { digest: running }] of Object.entries(release?.images ?? {}))
      this.registry.push(`registry.test/acme/${name}`, "latest", { digest: running });
    this.updater.start();
  }

  push(letter: string, tag = "latest", name = "web"): ImageDigest {
    this.world.runtime.offer(digest(letter));
    this.registry.push(`registry.test/acme/${name}`, tag, { digest: digest(letter) });
    return digest(letter);
  }

  /** As after kill -9. */
  async restart(): Promise<void> {
    await this.updater.stop();
    await this.world.restart();
    this.updater = this.#newUpdater();
    this.updater.start();
  }

  running(name = "web"): string | undefined {
    const current = this.world.store.scopes.get(scope)?.current;
    return current && this.world.store.releases.get(current)?.images[name]?.digest;
  }

  deployments(): number {
    return this.world.store.deployments.list(scope, 1000).length;
  }

  record(name = "web") {
    return new UpdateBook(this.world.store).get(scope, name);
  }
}

describe("automatic updates", () => {
  it("roll a newer image out within the interval, with old and new digest told (R-150, R-156)", async () => {
    const u = new Updates();
    await u.begin([service("web", byTag), service("api", undefined)]);
    const before = u.running();
    const next = u.push("b");
    const pushed = u.world.clock.now();
    await u.world.until(() => u.deployments() === 2, "an update", 300);
    expect(u.world.clock.now() - pushed).toBeLessThanOrEqual(300_000);
    await u.world.until(() => u.events.length > 0, "its end");
    expect(u.running()).toBe(next);
    expect(u.events).toMatchObject([{ kind: "updated", service: "web", from: before, to: next }]);
    expect(u.world.store.audit.list(1)).toMatchObject([{ actor: "auto-update", action: "deploy" }]);
  });

  it("rest until something is due, and read a release once (R-005)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 86_400 })]);
    await u.world.rest(10);
    const before = { ...u.asked };
    await u.world.rest(600);
    expect(u.asked.releases - before.releases).toBe(0);
    expect(u.asked.scopes - before.scopes).toBeLessThanOrEqual(10);
  });

  it("hear of a service as soon as it is deployed, while they rest (R-150)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 86_400 })]);
    await u.world.rest(100);
    await u.world.deploy([service("web", byTag), service("api", byTag)]);
    await u.world.until(() => u.record("api") !== undefined, "a record of the new service", 2);
  });

  it("do nothing for the same digest, nor to services that did not ask (R-149, R-151)", async () => {
    const u = new Updates();
    await u.begin([service("web", byTag), service("api", undefined)]);
    const started = u.world.store.scopes.get(scope)?.routing["web"]?.targets;
    u.push("c", "latest", "api");
    await u.world.rest(1000);
    expect(u.record()?.polls).toBeGreaterThanOrEqual(3);
    expect(u.deployments()).toBe(1);
    expect(u.world.store.scopes.get(scope)?.routing["web"]?.targets).toEqual(started);
    expect(u.record("api")).toBeUndefined();
  });

  it("return from a broken image, tell it once, and never try it again (R-152)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 20 })]);
    const good = u.running();
    const broken = u.push("b");
    u.world.runtime.behave(broken, { dies: { afterMs: 0, exitCode: 1, lines: ["no database"] } });
    await u.world.until(() => u.events.length > 0, "its end");
    expect(u.events).toMatchObject([{ kind: "failed", from: good, to: broken }]);
    expect(u.running()).toBe(good);
    const { polls } = u.record() ?? { polls: 0 };
    await u.world.until(() => (u.record()?.polls ?? 0) >= polls + 20, "20 polls later");
    expect(u.deployments()).toBe(2);
    await u.restart();
    await u.world.rest(200);
    expect(u.deployments(), "nor after a restart").toBe(2);
    expect(u.events).toHaveLength(1);
    const newer = u.push("c");
    await u.world.until(() => u.events.length > 1, "a newer one");
    expect(u.running()).toBe(newer);
  });

  it("leave an image alone that somebody rolled back from (R-152)", async () => {
    const u = new Updates();
    await u.begin([service("web", byTag)]);
    const good = u.running();
    u.push("b");
    await u.world.until(() => u.events.length > 0, "the update");
    await u.world.finished(u.world.engine.rollback(scope, undefined, by));
    expect(u.running()).toBe(good);
    await u.world.rest(700);
    expect(u.running()).toBe(good);
    expect(u.record()).toMatchObject({ verdict: "bad" });
  });

  it("back off from a registry in trouble with one alert, and go on afterwards (R-150)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 20 })]);
    u.registry.fail(new RegistryError("REGISTRY_FAILED", "registry.test answered 503"));
    await u.world.until(() => u.record()?.failures === 4, "four failures", 600);
    expect(u.events).toMatchObject([{ kind: "unreachable", message: expect.stringContaining("503") }]);
    const { nextAt = 0 } = u.record() ?? {};
    expect(nextAt - u.world.clock.now()).toBeGreaterThan(150_000);
    u.registry.fail(undefined);
    const next = u.push("b");
    await u.world.until(() => u.running() === next, "an update", 400);
    expect(u.record()?.failures).toBe(0);
  });

  it("wait for a freeze to end and say so once (R-156)", async () => {
    const u = new Updates();
    await u.begin([service("web", byTag)]);
    u.frozen = "the fair is on";
    const next = u.push("b");
    await u.world.rest(900);
    expect(u.events).toMatchObject([
      { kind: "held", to: next, message: expect.stringContaining("the fair") },
    ]);
    expect(u.deployments()).toBe(1);
    u.frozen = undefined;
    await u.world.until(() => u.running() === next, "the update", 120);
  });

  it("come only from allowed repositories (R-154)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, allow: ["ghcr.io/acme/*"] })]);
    const asked = u.registry.asked;
    u.push("b");
    await u.world.rest(1000);
    expect(u.deployments()).toBe(1);
    expect(u.registry.asked).toBe(asked);
    expect(u.events).toMatchObject([{ kind: "refused" }]);
    expect(u.world.logged.join("\n")).toContain("not from a repository");
  });

  it("follow versions within the channel (R-153)", async () => {
    const u = new Updates();
    await u.begin([service("web", { channel: { kind: "patch" }, everySeconds: 60 }, "1.4.2")]);
    u.push("d", "1.5.0");
    const next = u.push("b", "1.4.3");
    await u.world.until(() => u.running() === next, "the patch", 120);
    expect(u.world.serving("web")).toEqual([`${repository}:1.4.3`]);
    const last = u.push("e", "1.4.10");
    await u.world.until(() => u.running() === last, "the next patch", 120);
    await u.world.rest(200);
    expect(u.running()).toBe(last);
  });

  it("never push aside what somebody else deploys (R-157)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 10 })]);
    u.world.runtime.behave("api", { readyAfterMs: 25_000 });
    const services = [service("web", { ...byTag, everySeconds: 10 }), aStackService("api")];
    const theirs = u.world.engine.deploy(scope, requestFor(services), by);
    const next = u.push("b");
    expect(await u.world.finished(theirs)).toMatchObject({ state: "succeeded" });
    await u.world.until(() => u.running() === next, "then the update", 60);
  });

  it("of several services of a stack come one after the other and keep each other's (R-157)", async () => {
    const u = new Updates();
    await u.begin([service("web", byTag), service("api", byTag)]);
    const web = u.push("b");
    const api = u.push("c", "latest", "api");
    await u.world.until(() => u.events.length === 2, "both", 900);
    expect([u.running("web"), u.running("api")]).toEqual([web, api]);
    expect(u.deployments()).toBe(3);
  });

  it("end properly when the control plane was killed meanwhile (R-152)", async () => {
    const u = new Updates();
    await u.begin([service("web", byTag)]);
    const next = u.push("b");
    u.world.runtime.behave(next, { readyAfterMs: 5000 });
    await u.world.until(() => u.record()?.rolling !== undefined, "an update under way", 400);
    await u.restart();
    await u.world.until(() => u.events.length > 0, "its end");
    expect(u.events).toMatchObject([{ kind: "updated", to: next }]);
    expect(u.deployments()).toBe(2);
  });

  it("start at once when somebody says that there is something new (R-150)", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 86_400 })]);
    const next = u.push("b");
    expect(u.updater.poke(scope)).toEqual(["web"]);
    await u.world.until(() => u.deployments() === 2, "an update", 10);
    await u.world.until(() => u.running() === next, "its end");
  });

  it("try again after an image could not be pulled: that is not its fault", async () => {
    const u = new Updates();
    await u.begin([service("web", { ...byTag, everySeconds: 30 })]);
    const unknown = digest("f");
    u.registry.push(repository, "latest", { digest: unknown });
    await u.world.until(() => u.record()?.failures === 1, "a failed pull", 120);
    expect(u.record()?.bad).toEqual([]);
    u.world.runtime.offer(unknown);
    await u.world.until(() => u.running() === unknown, "another try", 200);
  });
});

describe("an update that somebody has to approve (R-071, R-156)", () => {
  const rule = { approvers: ["grace"], fourEyes: true, timeoutMs: 86_400_000, remindEveryMs: 14_400_000 };
  const grace = { name: "grace", reason: "read the notes" };

  async function awaiting() {
    const u = new Updates();
    u.rule = rule;
    await u.begin([service("web", byTag)]);
    const next = u.push("b");
    await u.world.until(() => u.record()?.verdict === "awaiting", "it waits", 400);
    const approvals = new UpdateApprovals(u.world.parts(), (of, services) => u.updater.poke(of, services));
    const decide = (kind: "approve" | "reject", by = grace) =>
      approvals.decide({ scope, service: "web", kind }, by);
    return { u, next, approvals, decide };
  }

  it("waits and says so once, with how to let it through", async () => {
    const { u, next, approvals } = await awaiting();
    await u.world.rest(900);
    expect(u.deployments()).toBe(1);
    expect(u.events).toMatchObject([{ kind: "awaiting", to: next }]);
    expect(u.events[0]?.message).toContain("roadstead approve shop/production/web");
    expect(approvals.awaiting()).toMatchObject([{ service: "web", newest: { digest: next } }]);
  });

  it("is rolled out once approved, by those who may, and says who it was", async () => {
    const { u, next, decide } = await awaiting();
    const denied = expect.objectContaining({ code: "UPDATE_APPROVAL_REFUSED" });
    expect(() => decide("approve", { name: "eve", reason: "" })).toThrow(denied);
    decide("approve");
    await u.world.until(() => u.running() === next, "the update", 60);
    const [deployment] = u.world.store.deployments.list(scope, 1);
    expect(deployment?.reason).toBe("a newer image in the registry, approved by grace: read the notes");
    expect(() => decide("approve")).toThrow(expect.objectContaining({ code: "UPDATE_NOT_WAITING" }));
  });

  it("waits for the freeze or the window too, although it is approved", async () => {
    const { u, next, decide } = await awaiting();
    u.frozen = "the fair is on";
    decide("approve");
    await u.world.rest(300);
    expect(u.deployments()).toBe(1);
    expect(u.record()?.verdict).toBe("frozen");
    u.frozen = undefined;
    await u.world.until(() => u.running() === next, "the update", 120);
  });

  it("is never tried again once rejected, also after a restart; the next image asks anew", async () => {
    const { u, decide } = await awaiting();
    decide("reject");
    await u.world.rest(700);
    await u.restart();
    await u.world.rest(700);
    expect(u.deployments()).toBe(1);
    expect(u.record()?.verdict).toBe("rejected");
    const newer = u.push("c");
    await u.world.until(() => u.record()?.verdict === "awaiting", "it asks again", 400);
    expect(u.events.at(-1)).toMatchObject({ kind: "awaiting", to: newer });
  });
});
