import { afterEach, describe, expect, it } from "vitest";
import type { Run } from "../delivery/run.ts";
import type { ImageDigest } from "../rollout/ids.ts";
import { AlertWorld, scope } from "./alerting-support.ts";

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

describe("an alert", () => {
  it("is told once when it fires and once when it is over, and kept in the history (R-193, R-197)", async () => {
    const w = world();
    w.channel();
    w.memory("api", 0.85);
    await w.minutes(4);
    expect(w.told()).toEqual([]);
    await w.minutes(3);
    expect(w.told()).toEqual(["firing api High Memory Usage (85% > 80%)"]);
    await w.minutes(20);
    w.memory("api", 0.5);
    await w.minutes(5);
    expect(w.told()).toHaveLength(2);
    expect(w.told()[1]).toMatch(/^resolved api High Memory Usage/);
    expect(w.works.alerting.active()).toEqual([]);
    const past = w.works.alerting.book.history({ from: 0, to: w.clock.now(), limit: 10 });
    expect(past).toMatchObject([{ rule: "memory", severity: "warning", subject: { service: "api" } }]);
    expect((past[0]?.resolvedAt ?? 0) - (past[0]?.firedAt ?? 0)).toBeGreaterThan(20 * 60_000);
  });

  it("is neither forgotten nor told again by a restart", async () => {
    const w = world();
    w.channel();
    w.memory("api", 0.85);
    await w.minutes(3);
    await w.restart();
    await w.minutes(4);
    expect(w.told(), "the time before the restart counts").toHaveLength(1);
    const [before] = w.works.alerting.active();
    await w.restart();
    expect(w.works.alerting.active()[0]?.id).toBe(before?.id);
    await w.minutes(10);
    expect(w.told()).toHaveLength(1);
    w.memory("api", 0.5);
    await w.restart();
    await w.minutes(5);
    expect(w.told()).toHaveLength(2);
  });

  it("of several services of a stack comes in one message, the gravest first", async () => {
    const w = world();
    w.channel();
    for (const service of ["web", "api", "worker"]) w.ready(service, 0, 1);
    await w.minutes(3);
    expect(w.messages()).toHaveLength(1);
    expect(w.messages()[0]).toMatchObject({ title: "shop/production: 3 alerts", severity: "critical" });
    expect(w.told()).toContain("firing api Service Down (0 of 1 ready)");
  });

  it("of a stopped service is none (R-257)", async () => {
    const w = world();
    w.channel();
    w.ready("api", 0, 0);
    await w.minutes(10);
    expect(w.told()).toEqual([]);
  });

  it("goes only to channels that want its severity and stack (R-197)", async () => {
    const w = world();
    w.channel("grave", { severity: "critical" });
    w.channel("others", { severity: "info", stacks: ["chat"] });
    w.memory("api", 0.85);
    await w.minutes(7);
    expect(w.notifier.sent).toEqual([]);
    w.memory("api", 0.97);
    await w.minutes(4);
    expect(w.told("grave")).toEqual(["firing api High Memory Usage (97% > 95%)"]);
    expect(w.told("others")).toEqual([]);
  });

  it("costs no write while all is well, nor while it merely goes on", async () => {
    const w = world();
    w.channel();
    w.memory("api", 0.3);
    await w.minutes(1);
    let writes = 0;
    const { put } = w.store.records;
    w.store.records.put = (...args) => {
      writes += 1;
      put.apply(w.store.records, args);
    };
    await w.minutes(30);
    expect(writes).toBe(0);
    w.memory("api", 0.85);
    await w.minutes(7);
    writes = 0;
    for (let round = 0; round < 10; round += 1) {
      w.memory("api", 0.85 + round / 1000);
      await w.minutes(1);
    }
    expect(writes).toBe(0);
    w.store.records.put = put;
  });

  it("follows the stack's own settings: another threshold, off, a rule of its own, only some services (R-190)", async () => {
    const w = world();
    w.channel();
    w.settings = {
      rules: {
        memory: { warning: 0.5, forSeconds: 60, services: ["api"] },
        "service-down": { enabled: false },
      },
      own: { sockets: { metric: "database.connections", warning: 10, title: "Many Connections" } },
      maintenance: [],
    };
    w.memory("api", 0.6);
    w.memory("web", 0.6);
    w.ready("web", 0, 1);
    w.gauge("database.connections", "db", 12);
    await w.minutes(10);
    expect(w.told().toSorted()).toEqual([
      "firing api High Memory Usage (60% > 50%)",
      "firing db Many Connections (12 > 10)",
    ]);
    w.settings = { rules: { memory: { enabled: false } }, own: {}, maintenance: [] };
    await w.minutes(2);
    expect(w.works.alerting.active().map(({ rule }) => rule)).toEqual(["service-down"]);
  });
});

describe("a crash loop", () => {
  it("is critical after the second failed restart, not after one crash (R-167)", async () => {
    const w = world();
    w.channel();
    const crash = () =>
      w.works.alerting.noteHealth({ scope, service: "bot", ended: true, at: w.clock.now() });
    crash();
    await w.minutes(2);
    crash();
    await w.minutes(2);
    expect(w.told()).toEqual([]);
    crash();
    await w.minutes(2);
    expect(w.told()).toEqual(["firing bot Restart Loop (2 failed restarts in 10 min)"]);
    await w.minutes(15);
    expect(w.told()[1]).toMatch(/^resolved bot/);
  });
});

describe("a silence", () => {
  it("keeps an alert quiet until its end; what still holds is told then (R-197)", async () => {
    const w = world();
    w.channel();
    const until = w.clock.now() + 30 * 60_000;
    w.works.alerting.silence({ stack: "shop", until, reason: "load test", by: "ada" });
    w.memory("api", 0.85);
    await w.minutes(20);
    expect(w.told()).toEqual([]);
    expect(w.works.alerting.active()).toMatchObject([{ quiet: "silenced by ada: load test" }]);
    await w.minutes(12);
    expect(w.told()).toHaveLength(1);
  });

  it("that outlives the alert leaves nothing to be told", async () => {
    const w = world();
    w.channel();
    const { id } = w.works.alerting.silence({ until: w.clock.now() + 3600_000, reason: "x", by: "ada" });
    w.memory("api", 0.85);
    await w.minutes(8);
    w.memory("api", 0.3);
    await w.minutes(8);
    w.works.alerting.unsilence(id);
    await w.minutes(5);
    expect(w.told()).toEqual([]);
    expect(() => w.works.alerting.unsilence(id)).toThrow("there is no silence");
  });

  it("of a maintenance window opens and closes by itself", async () => {
    const w = world();
    w.channel();
    // Mondays from 11:00 to 13:00; it is Monday, 12:00.
    w.settings = { rules: {}, own: {}, maintenance: [{ days: [1], from: 660, to: 780 }] };
    w.memory("api", 0.85);
    await w.minutes(58);
    expect(w.told()).toEqual([]);
    await w.minutes(5);
    expect(w.told()).toHaveLength(1);
  });
});

describe("deployments", () => {
  it("that fail are alerts with the step's words, until one succeeds; secrets are masked", async () => {
    const w = world();
    w.channel("ops", { severity: "warning" });
    w.deployment("d1", "failed", {
      failure: { code: "X", message: "the probe got hunter2", service: "api", outcome: "v3 serves" },
    });
    await w.minutes(1);
    expect(w.told()).toEqual(["firing shop/production Deployment Failed (deploy: api: the probe got ***)"]);
    w.deployment("d2", "succeeded");
    await w.minutes(1);
    expect(w.told()[1]).toMatch(/^resolved /);
    expect(w.told(), "success is not for this channel").toHaveLength(2);
  });

  it("that succeed are news for those who ask for it, once", async () => {
    const w = world();
    w.channel();
    w.deployment("d1", "succeeded");
    await w.minutes(1);
    await w.restart();
    await w.minutes(1);
    expect(w.told()).toEqual(["news Deployed shop in production By ada"]);
  });

  it("that hang are told after half an hour of silence", async () => {
    const w = world();
    w.channel();
    w.deployment("d1", "running");
    await w.minutes(29);
    expect(w.told()).toEqual([]);
    await w.minutes(3);
    expect(w.told()).toEqual(["firing shop/production Deployment Stuck (deploy silent for 30 min)"]);
  });
});

describe("news", () => {
  const run = (detail: string): Run =>
    ({
      id: "run_1",
      scope,
      ref: "main",
      commit: "abcdef0123456789",
      subject: "Fix it",
      author: "Ada",
      state: "waiting",
      phases: [{ name: "approve", state: "waiting", detail }],
    }) as unknown as Run;

  it("of an approval that waits is told once, and each reminder once (R-295)", async () => {
    const w = world();
    w.channel();
    for (const detail of ["ada may approve", "ada may approve", "ada may approve (reminder 1)"])
      w.works.onRun(run(detail));
    await w.minutes(1);
    expect(w.told()).toHaveLength(2);
    expect(w.told()[0]).toContain("roadstead approve run_1");
  });

  it("of an update has both digests; a failed one is told once per digest (R-152, R-156)", async () => {
    const w = world();
    w.channel();
    const digest = (letter: string) => `sha256:${letter.repeat(64)}` as ImageDigest;
    const failed = {
      kind: "failed",
      scope,
      service: "web",
      message: "not ready",
      from: digest("a"),
    } as const;
    w.works.onUpdate({ ...failed, to: digest("b") });
    w.works.onUpdate({ ...failed, to: digest("b") });
    w.works.onUpdate({ ...failed, to: digest("c") });
    await w.minutes(1);
    expect(w.told()).toHaveLength(2);
    expect(w.told()[0]).toContain(`${digest("a")} -> ${digest("b")}`);
  });
});

describe("escalation", () => {
  it("calls the roles of the incident, falls to whoever is on call, repeats until acknowledged (R-167, R-209, R-211)", async () => {
    const w = world();
    w.channel("lead", { severity: "critical", stacks: ["none"] });
    w.channel("night", { severity: "critical", stacks: ["none"] });
    const { book } = w.works.alerting;
    const hours = [{ days: [1, 2, 3, 4, 5], from: 540, to: 720 }];
    book.putOnCall({
      ...book.onCall(),
      contacts: [
        { name: "Ada", role: "DevOps lead", channel: "lead", hours },
        { name: "Bob", role: "Database admin", channel: "night" },
      ],
    });
    w.ready("api", 0, 1);
    await w.minutes(3);
    // 12:00 is the end of Ada's day.
    expect(w.told("lead")).toEqual([]);
    expect(w.messages("night")[0]?.items[0]?.detail).toContain("Called: Bob (Database admin).");
    await w.minutes(16);
    expect(w.messages("night")).toHaveLength(2);
    const [alert] = w.works.alerting.active();
    w.works.alerting.acknowledge(alert?.id ?? "", { name: "bob", reason: "on it" });
    await w.restart();
    await w.minutes(60);
    expect(w.messages("night")).toHaveLength(2);
    expect(w.works.alerting.active()[0]?.acknowledged?.by).toBe("bob");
    expect(() => w.works.alerting.acknowledge("alert_x", { name: "bob", reason: "" })).toThrow(
      "no active alert",
    );
  });
});
