import { describe, expect, it } from "vitest";
import { aStackService, World } from "../reconciler/world-support.ts";
import { DeliveryWorld, packageWithTests } from "./delivery-support.ts";
import { Previews, type PreviewWish, variableScope } from "./previews.ts";
import { saveSourceSettings, sourceSettings } from "./source-settings.ts";

const by = { name: "webhook github", reason: "pull request 7 opened" };

async function start(quota = 2) {
  const world = new World();
  await world.engine.reconciler.start();
  const d = new DeliveryWorld(world);
  const { store, clock } = world;
  const previews = { ttlHours: 72, quota, forks: "refused" as const };
  saveSourceSettings(store, { ...sourceSettings(store, "shop"), previews });
  const logged: string[] = [];
  const log = (_level: string, message: string) => void logged.push(message);
  const make = () => new Previews({ store, clock, delivery: d.delivery, engine: world.engine, log });
  const works = make();
  works.start();
  const wish = (number: number, more: Partial<PreviewWish> = {}, files = {}): PreviewWish => {
    // Each has routes of its own, as the stack's builder sees to.
    const service = aStackService("web", {
      routes: [{ host: `web.pr-${number}.shop.test`, path: "/", port: 3000, stripPath: false }],
    });
    const commit = d.commit(files, [service]);
    const facts = { commit, subject: "tea", author: "ada", ref: "tea", title: "Sell tea", fork: false };
    return { source: "shop", name: `pr-${number}`, ...facts, ...more };
  };
  const scopes = () => store.scopes.list().map(({ scope }) => scope.environment);
  const gone = (name: string) =>
    world.until(() => !works.get({ source: "shop", name }) && !scopes().includes(name), `${name} is gone`);
  return { d, world, works, wish, scopes, gone, make, logged };
}

describe("previews of pull requests", () => {
  it("two at once beside production; each goes alone, with its volumes", async () => {
    const { d, works, wish, scopes, gone, world } = await start();
    await d.over(d.push(d.commit()));
    const [seven, eight] = [works.open(wish(7), by), works.open(wish(8), by)];
    expect(await d.over(seven)).toMatchObject({ state: "succeeded" });
    expect((await d.over(eight)).state).toBe("succeeded");
    expect(scopes().sort()).toEqual(["pr-7", "pr-8", "production"]);
    works.close({ source: "shop", name: "pr-7" }, "pull request 7 was closed", by);
    await gone("pr-7");
    expect(scopes().sort()).toEqual(["pr-8", "production"]);
    const [down] = world.store.deployments.list({ stack: "shop", environment: "pr-7" }, 1);
    expect(down).toMatchObject({ kind: "down", state: "succeeded", operation: { volumes: true } });
  });

  it("brings a new commit to the same preview, which then lives as long again", async () => {
    const { d, works, wish, world } = await start();
    await d.over(works.open(wish(7), by));
    await world.rest(3600);
    const before = works.get({ source: "shop", name: "pr-7" });
    const again = wish(7);
    await d.over(works.open(again, by));
    const after = works.get({ source: "shop", name: "pr-7" });
    expect(after).toMatchObject({ commit: again.commit, openedAt: before?.openedAt });
    expect((after?.expiresAt ?? 0) - (before?.expiresAt ?? 0)).toBeGreaterThanOrEqual(3_600_000);
  });

  it("refuses one beyond the quota, and where they are off", async () => {
    const { works, wish, world } = await start(1);
    works.open(wish(7), by);
    expect(() => works.open(wish(8), by)).toThrow(
      expect.objectContaining({ code: "WEBHOOK_REFUSED", message: "shop has its 1 previews: pr-7" }),
    );
    works.open(wish(7), by);
    const { previews: _, ...settings } = sourceSettings(world.store, "shop");
    saveSourceSettings(world.store, settings);
    expect(() => works.open(wish(7), by)).toThrow("not turned on");
  });

  it("takes one down when its time is over", async () => {
    const { d, works, wish, gone, world, scopes } = await start();
    await d.over(works.open(wish(7), by));
    world.clock.advance(71 * 3600_000);
    await world.rest(120);
    expect(scopes()).toContain("pr-7");
    world.clock.advance(3600_000);
    await gone("pr-7");
    const audited = world.store.audit.list(20).filter(({ action }) => action === "preview.close");
    expect(audited).toMatchObject([
      { actor: "roadstead", detail: { name: "pr-7", reason: "its time is over" } },
    ]);
  });

  it.each(["fetch", "jobs", "deploy"])(
    "closed while its run is in %s, nothing of it stays",
    async (phase) => {
      const { d, works, wish, gone, world } = await start();
      const run = works.open(wish(7), by);
      await d.until(
        run,
        ({ phases }) => phases.some((p) => p.name === phase && p.state !== "pending"),
        phase,
      );
      works.close({ source: "shop", name: "pr-7" }, "closed", by);
      await gone("pr-7");
      await world.rest(60);
      expect(world.store.deployments.unfinished({ stack: "shop", environment: "pr-7" })).toEqual([]);
      expect(world.store.scopes.get({ stack: "shop", environment: "pr-7" })).toBeUndefined();
    },
  );

  it("goes on with the removal after a crash", async () => {
    const { d, works, wish, world, make, scopes } = await start();
    await d.over(works.open(wish(7), by));
    await works.stop();
    works.close({ source: "shop", name: "pr-7" }, "closed", by);
    expect(scopes()).toContain("pr-7");
    const next = make();
    next.start();
    await world.until(() => next.list().length === 0 && !scopes().includes("pr-7"), "gone");
  });

  it("opened again while it goes away, it comes back", async () => {
    const { d, works, wish, scopes, world } = await start();
    await d.over(works.open(wish(7), by));
    works.close({ source: "shop", name: "pr-7" }, "closed", by);
    await world.rest(1);
    const run = works.open(wish(7), by);
    expect((await d.over(run)).state).toBe("succeeded");
    await world.rest(30);
    expect(scopes()).toContain("pr-7");
    expect(works.get({ source: "shop", name: "pr-7" })).not.toHaveProperty("closing");
  });
});

describe("a pull request closed and opened again at once", () => {
  it("has a run of its own, not the one that was ended", async () => {
    const { d, works, wish, world } = await start();
    d.jobs.behave((_spec, _onLine, signal) =>
      d.jobs.ran.length > 1
        ? Promise.resolve({ ok: true, durationMs: 1 })
        : new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const facts = wish(7, {}, packageWithTests);
    const first = works.open(facts, by);
    await d.until(first, () => d.jobs.ran.length > 0, "its job runs");
    works.close({ source: "shop", name: "pr-7" }, "closed", by);
    await d.until(first, ({ control }) => control?.kind === "abort", "it is being ended");
    const second = works.open(facts, by);
    expect(second.id).not.toBe(first.id);
    expect((await d.over(first)).state).toBe("aborted");
    expect(await d.over(second)).toMatchObject({ state: "succeeded" });
    await world.rest(30);
    expect(works.list()).toMatchObject([{ name: "pr-7", run: second.id }]);
  });
});

describe("the variables of an environment", () => {
  it("are its own, of `preview` for a preview, and none for a fork or a mere check", async () => {
    const { works, wish, world } = await start();
    works.open(wish(7), by);
    works.open(wish(8, { fork: true }), by);
    const of = (environment: string) =>
      variableScope(world.store, { stack: "shop", environment })?.environment;
    expect(["production", "staging", "pr-7", "pr-8", "pr-9"].map(of)).toEqual([
      "production",
      "staging",
      "preview",
      undefined,
      undefined,
    ]);
  });
});
