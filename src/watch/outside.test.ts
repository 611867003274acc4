import { describe, expect, it } from "vitest";
import { bucketOf } from "../lib/histogram.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import { MemoryProber } from "../probes/drivers/memory.ts";
import type { ReleaseId } from "../rollout/ids.ts";
import type { DependencyProbe } from "../stack/x-roadstead-dependencies.ts";
import { dependencyProbes, routeProbes } from "./outside.ts";
import { Rounds } from "./rounds.ts";
import type { ScopeFacts } from "./stack-facts.ts";

const signal = AbortSignal.timeout(60_000);
const scope = { stack: "shop", environment: "production" };

function dependency(name: string, everySeconds = 30): DependencyProbe {
  const target = { kind: "tcp", host: name, port: 1, tls: false, path: "/" } as const;
  return { name, target, everySeconds, timeoutSeconds: 1 };
}

function world(facts: Partial<ScopeFacts>) {
  const clock = new ManualClock();
  const logged: string[] = [];
  const all = () => [
    {
      scope,
      release: "rel_1" as ReleaseId,
      outside: [],
      routes: [],
      databases: [],
      fileVersions: {},
      ...facts,
    },
  ];
  const log = (_: string, text: string) => logged.push(text);
  return { clock, logged, parts: { clock, log, facts: { all }, random: () => 0 } };
}

describe("outside services", () => {
  it("R-186 are recorded with their latency, and told once when they fall silent", async () => {
    const { clock, logged, parts } = world({ outside: [dependency("payments")] });
    const prober = new MemoryProber();
    const gauge = dependencyProbes({ ...parts, prober });
    const labels = { scope: "shop/production", dependency: "payments" };
    expect(await gauge.read(signal)).toEqual([
      { metric: "dependency.up", labels, value: 1 },
      { metric: "dependency.latency", labels, histogram: { [bucketOf(5)]: 1 } },
    ]);
    prober.answer("payments", { ok: false, ms: 3, reason: "connect ECONNREFUSED" });
    for (const _ of [1, 2]) {
      clock.advance(30_000);
      expect(await gauge.read(signal)).toEqual([{ metric: "dependency.up", labels, value: 0 }]);
    }
    prober.answer("payments", { ok: true, ms: 3, certificateEnds: 5_000_500 });
    clock.advance(30_000);
    expect(await gauge.read(signal)).toContainEqual({
      metric: "certificate.expires",
      labels: { ...labels, host: "payments" },
      value: 5000,
    });
    expect(logged).toEqual([
      "payments, which shop/production needs, does not answer: connect ECONNREFUSED",
      "payments, which shop/production needs, answers again",
    ]);
  });

  it("are asked at their own interval only", async () => {
    const { clock, parts } = world({ outside: [dependency("often", 10), dependency("seldom", 60)] });
    const prober = new MemoryProber();
    const gauge = dependencyProbes({ ...parts, prober });
    for (let pass = 0; pass < 12; pass += 1) {
      await gauge.read(signal);
      clock.advance(10_000);
    }
    const asked = (host: string) => prober.asked.filter((target) => target.host === host).length;
    expect([asked("often"), asked("seldom")]).toEqual([12, 2 + 1]);
  });
});

describe("public routes", () => {
  it("R-164, R-196 are asked through the edge; 5xx and no answer are down", async () => {
    const route = { service: "web", name: "shop.test/", host: "shop.test", path: "/api/health" };
    const { clock, parts } = world({ routes: [route] });
    const asked: string[] = [];
    const answers = [200, 404, 503];
    const gauge = routeProbes({
      ...parts,
      request: async (check, host) => {
        asked.push(`${check.method} ${host}${check.path}`);
        const status = answers.shift();
        if (status === undefined) throw new Error("socket hang up");
        return { status, body: "" };
      },
    });
    const labels = { scope: "shop/production", service: "web", route: "shop.test/" };
    for (const value of [1, 1, 0, 0]) {
      const samples = await gauge.read(signal);
      expect(samples[0]).toEqual({ metric: "route.up", labels, value });
      expect(samples).toHaveLength(value + 1);
      clock.advance(30_000);
    }
    expect(asked[0]).toBe("GET shop.test/api/health");
  });
});

describe("rounds", () => {
  it("spread over their first interval, and keep to it within a tenth", async () => {
    const clock = new ManualClock();
    const rounds = new Rounds<string>(clock, { random: () => 0.5 });
    const round = { key: "a", everyMs: 30_000, limitMs: 1000, run: async () => "a" };
    const seen: number[] = [];
    for (let pass = 0; pass < 13; pass += 1) {
      if ((await rounds.pass([round], signal)).length > 0) seen.push(pass);
      clock.advance(10_000);
    }
    expect(seen).toEqual([2, 5, 8, 11]);
  });

  it("ask so many at a time, and leave the rest to the next pass when time runs out", async () => {
    const clock = new ManualClock();
    const rounds = new Rounds<number>(clock, { width: 2, random: () => 0 });
    let running = 0;
    let most = 0;
    const all = [0, 1, 2, 3, 4].map((number) => ({
      ...{ key: `${number}`, everyMs: 30_000, limitMs: 4000 },
      run: async () => {
        running += 1;
        most = Math.max(most, running);
        await clock.sleep(4000);
        running -= 1;
        return number;
      },
    }));
    const first = rounds.pass(all, signal);
    clock.advance(4000);
    expect(await first).toEqual([0, 1]);
    clock.advance(6000);
    const second = rounds.pass(all, signal);
    clock.advance(4000);
    expect(await second).toEqual([2, 3]);
    expect(most).toBe(2);
  });
});
