import { afterEach, describe, expect, it } from "vitest";
import { AlertWorld } from "./alerting-support.ts";

const worlds: AlertWorld[] = [];
function world(): AlertWorld {
  const made = new AlertWorld();
  worlds.push(made);
  made.works.start();
  return made;
}
afterEach(async () => {
  for (const one of worlds.splice(0)) await one.works.stop();
});
const news = (w: AlertWorld, key: string) =>
  w.works.notify({
    kind: "incident",
    severity: "warning",
    title: "Title",
    text: key,
    at: w.clock.now(),
    key,
  });

describe("the outbox", () => {
  it("tries again later and later until it is delivered, once", async () => {
    const w = world();
    w.channel();
    w.notifier.behaviour = "fail";
    news(w, "a");
    await w.minutes(10);
    expect(w.notifier.tries).toBeGreaterThan(3);
    expect(w.notifier.tries).toBeLessThan(8);
    w.notifier.behaviour = "ok";
    await w.minutes(20);
    expect(w.told()).toEqual(["news Title a"]);
    expect(w.works.channels.get("ops")?.lastError).toBeUndefined();
  });

  it("survives a crash before delivery, and tells nothing twice after it", async () => {
    const w = world();
    w.channel();
    w.notifier.behaviour = "fail";
    news(w, "a");
    await w.minutes(1);
    w.notifier.behaviour = "ok";
    await w.restart();
    await w.minutes(5);
    news(w, "a");
    await w.restart();
    await w.minutes(5);
    expect(w.told()).toEqual(["news Title a"]);
  });

  it("gives up what is refused, and what is a day old", async () => {
    const w = world();
    w.channel();
    w.notifier.behaviour = "refuse";
    news(w, "a");
    await w.minutes(30);
    expect(w.notifier.tries).toBe(3);
    expect(w.logged.join("\n")).toContain("given up");
    expect(w.works.channels.get("ops")?.lastError?.message).toContain("404");
  });

  it("is held up by no slow channel", async () => {
    const w = world();
    w.channel("slow");
    w.channel("fast");
    const { send } = w.notifier;
    w.notifier.send = async (target, message, signal) => {
      if (target.kind === "memory" && target.name === "slow")
        await new Promise((_resolve, reject) => signal.addEventListener("abort", reject, { once: true }));
      await send.call(w.notifier, target, message, signal);
    };
    news(w, "a");
    news(w, "b");
    await w.minutes(1);
    expect(w.told("fast")).toEqual(["news Title a", "news Title b"]);
    expect(w.told("slow")).toEqual([]);
  });

  it("keeps at most 300 messages of one channel", async () => {
    const w = world();
    w.channel();
    w.notifier.behaviour = "fail";
    for (let index = 0; index < 400; index += 1) news(w, `n${index}`);
    w.notifier.behaviour = "ok";
    await w.minutes(30);
    expect(w.told()).toHaveLength(300);
    expect(w.told()).toContain("news Title n399");
  });

  it("sends nothing more to a channel that was removed", async () => {
    const w = world();
    w.channel();
    w.notifier.behaviour = "fail";
    news(w, "a");
    await w.minutes(1);
    w.works.removeChannel("ops");
    w.notifier.behaviour = "ok";
    await w.minutes(10);
    expect(w.told()).toEqual([]);
    expect(() => w.works.removeChannel("ops")).toThrow("there is no channel ops");
  });
});

describe("a channel", () => {
  it("keeps its credential out of everything that is kept in plain and shown", () => {
    const w = world();
    const url = "https://discord.test/api/webhooks/1/very-secret";
    const { channel } = w.works.channels.save(
      { name: "d", kind: "discord", wish: { severity: "info" }, url },
      0,
    );
    expect(channel.shown).toBe("https://discord.test");
    expect(JSON.stringify(w.store.records.list("notify-channels"))).not.toContain("very-secret");
    expect(w.works.channels.target("d")).toEqual({ kind: "discord", url });
    const hook = w.works.channels.save({ name: "h", kind: "webhook", wish: { severity: "info" }, url }, 0);
    expect(hook.secret).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(hook.channel)).not.toContain(hook.secret);
  });

  it("refuses what is no address", () => {
    const w = world();
    const save = (url?: string) =>
      w.works.channels.save(
        { name: "x", kind: "slack", wish: { severity: "info" }, ...(url ? { url } : {}) },
        0,
      );
    expect(() => save()).toThrow("no http");
    expect(() => save("file:///etc/passwd")).toThrow("no http");
  });

  it("is tested by a message of its own, and says what is wrong", async () => {
    const w = world();
    w.channel();
    await w.works.test("ops", AbortSignal.timeout(1000));
    expect(w.messages()[0]).toMatchObject({ state: "test" });
    w.notifier.behaviour = "refuse";
    await expect(w.works.test("ops", AbortSignal.timeout(1000))).rejects.toThrow("404");
    await expect(w.works.test("none", AbortSignal.timeout(1000))).rejects.toThrow("there is no channel none");
  });
});
