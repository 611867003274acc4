import { describe, expect, it } from "vitest";
import type { Revision } from "./ids.ts";
import { planRollout } from "./plan-rollout.ts";
import { anInput, aRelease, aReplica, aService, keys, running, runToEnd } from "./planner-support.ts";
import type { RolloutInput } from "./rollout-input.ts";
import type { Step } from "./step.ts";

const v2 = "bbbbbbbbbb" as Revision;

function deploying(from: RolloutInput, services: Parameters<typeof aRelease>[1]): RolloutInput {
  const kept = Object.fromEntries(from.target.services.map((s) => [s.name, [s.revision]]));
  return {
    ...from,
    mode: "deploy",
    base: from.target,
    target: aRelease("r2", services),
    done: new Set(),
    kept,
  };
}

function kinds(steps: readonly Step[]): string[] {
  return steps.map((step) => ("service" in step ? `${step.kind} ${step.service}` : step.kind));
}

describe("planRollout: first deployment", () => {
  it("starts services in dependency order, each after what it needs is ready (R-015)", () => {
    const release = aRelease("r1", [
      aService("web", { dependsOn: [{ service: "api", condition: "ready", required: true }] }),
      aService("api", {
        dependsOn: [{ service: "db", condition: "ready", required: true }],
        releaseJob: { timeoutSeconds: 60 },
      }),
      aService("db", { strategy: "recreate", routed: false }),
    ]);
    expect(kinds(planRollout(anInput(release)).steps.map((s) => s.step))).toEqual([
      "ensureResources",
      "startReplica db",
      "waitReady db",
      "runJob api",
      "startReplica api",
      "waitReady api",
      "route api",
      "startReplica web",
      "waitReady web",
      "route web",
      "markCurrent",
    ]);
  });

  it("puts independent services side by side in one wave", () => {
    const plan = planRollout(anInput(aRelease("r1", [aService("a"), aService("b")])));
    const starts = plan.steps.filter((planned) => planned.step.kind === "startReplica");
    expect(new Set(starts.map((planned) => planned.wave)).size).toBe(1);
  });

  it("has databases ready before those who don't name them, for a client that finds nobody may end (R-015)", () => {
    const release = aRelease("r1", [
      aService("web"),
      aService("store", {
        database: true,
        routed: false,
        dependsOn: [{ service: "disk", condition: "ready", required: true }],
      }),
      aService("cache", { database: true, routed: false }),
      aService("disk"),
    ]);
    const { steps } = planRollout(anInput(release));
    const wave = (wanted: string) => steps.find((p) => kinds([p.step])[0] === wanted)?.wave ?? Number.NaN;
    expect(wave("startReplica web")).toBe(wave("waitReady store") + 1);
    expect(wave("startReplica web")).toBeGreaterThan(wave("waitReady cache"));
    expect(wave("startReplica store")).toBeGreaterThan(wave("waitReady disk"));
  });

  it("prepares who only may use a database before the database is taken down for its switch", () => {
    const world = running(
      aRelease("r1", [aService("web"), aService("db", { database: true, strategy: "recreate" })]),
    );
    const { taken } = runToEnd(
      deploying(world, [
        aService("web", { revision: v2 }),
        aService("db", { database: true, strategy: "recreate", revision: v2 }),
      ]),
    );
    const order = kinds(taken);
    expect(order.indexOf("waitReady web")).toBeLessThan(order.indexOf("hold db"));
  });

  it("does not wait for readiness where the file only asks for a start", () => {
    const plan = planRollout(
      anInput(
        aRelease("r1", [
          aService("web", { dependsOn: [{ service: "api", condition: "started", required: true }] }),
          aService("api"),
        ]),
      ),
    );
    const wave = (kind: string, service: string) =>
      plan.steps.find((p) => p.step.kind === kind && "service" in p.step && p.step.service === service)?.wave;
    expect(wave("startReplica", "web")).toBe(wave("waitReady", "api"));
  });

  it("runs a one-shot service to its end before its dependents start", () => {
    const release = aRelease("r1", [
      aService("migrate", { oneShot: true, routed: false }),
      aService("api", { dependsOn: [{ service: "migrate", condition: "completed", required: true }] }),
    ]);
    const { taken } = runToEnd(anInput(release));
    expect(kinds(taken).slice(0, 3)).toEqual(["ensureResources", "runJob migrate", "startReplica api"]);
  });
});

describe("planRollout: blue-green", () => {
  const world = running(aRelease("r1", [aService("web"), aService("api")]));

  it("cuts over the whole stack in one step, after every new replica is ready", () => {
    const { taken } = runToEnd(
      deploying(world, [aService("web", { revision: v2 }), aService("api", { revision: v2 })]),
    );
    expect(taken.filter((step) => step.kind === "cutOver")).toHaveLength(1);
    const order = kinds(taken);
    expect(order.indexOf("cutOver")).toBeGreaterThan(order.lastIndexOf("waitReady web"));
    expect(order.indexOf("drain web")).toBeGreaterThan(order.indexOf("markCurrent"));
  });

  it("keeps the old replicas warm inside the window and removes them after it (R-086)", () => {
    const { input } = runToEnd(deploying(world, [aService("web", { revision: v2 }), aService("api")]));
    expect(input.observed.replicas.filter((r) => r.service === "web" && r.state === "running")).toHaveLength(
      2,
    );
    const over = runToEnd({ ...input, mode: "steady", kept: {} });
    expect(keys(over.taken)).toEqual([
      "stopReplica:shop-production-web-aaaaaaaaaa-1",
      "removeReplica:shop-production-web-aaaaaaaaaa-1",
    ]);
  });

  it("touches nothing of a service whose revision is the same", () => {
    const { taken } = runToEnd(deploying(world, [aService("web", { revision: v2 }), aService("api")]));
    expect(taken.filter((step) => "service" in step && step.service === "api")).toEqual([]);
  });

  it("does nothing but make the release current when nothing changed", () => {
    expect(kinds(runToEnd(deploying(world, world.target.services)).taken)).toEqual(["markCurrent"]);
  });

  it("rolls back by cutting over to the warm replicas first (R-087)", () => {
    const { input } = runToEnd(
      deploying(world, [aService("web", { revision: v2 }), aService("api", { revision: v2 })]),
    );
    const back: RolloutInput = {
      ...input,
      mode: "switch",
      base: input.target,
      target: world.target,
      done: new Set(),
      kept: { web: [v2], api: [v2] },
    };
    expect(kinds(runToEnd(back).taken).slice(0, 2)).toEqual(["cutOver", "markCurrent"]);
  });

  it("removes services that the new release does not have, after the cut-over", () => {
    const { taken, input } = runToEnd(deploying(world, [aService("web", { revision: v2 })]));
    expect(taken.filter((step) => step.kind === "cutOver").flatMap((step) => step.services)).toContainEqual({
      service: "api",
      targets: [],
    });
    expect(input.observed.routing["api"]?.targets).toEqual([]);
  });
});

describe("planRollout: canary", () => {
  const canary = {
    steps: [
      { weight: 10, forSeconds: 600 },
      { weight: 50, forSeconds: 600 },
    ],
    maxErrorRate: 0.01,
    maxP95Seconds: 1,
    minRequests: 100,
  };
  const world = running(aRelease("r1", [aService("api", { strategy: "canary", canary })]));
  const next = deploying(world, [aService("api", { strategy: "canary", canary, revision: v2 })]);

  it("raises the weight step by step, each with a verdict, then cuts over (R-082)", () => {
    const { taken } = runToEnd(next);
    expect(kinds(taken).slice(0, 7)).toEqual([
      "startReplica api",
      "waitReady api",
      "route api",
      "watchCanary api",
      "route api",
      "watchCanary api",
      "cutOver",
    ]);
    const route = taken.find((step) => step.kind === "route");
    expect(route?.kind === "route" && route.targets.map((t) => t.weight)).toEqual([9, 1]);
  });

  it("goes straight to the cut-over when the operator promotes", () => {
    expect(kinds(runToEnd({ ...next, promoted: true }).taken)).not.toContain("watchCanary api");
  });
});

describe("planRollout: stop-first strategies", () => {
  it("holds requests, stops the singleton, and only then starts the new one (R-090)", () => {
    const world = running(aRelease("r1", [aService("bot", { strategy: "singleton" })]));
    const next = deploying(world, [aService("bot", { strategy: "singleton", revision: v2 })]);
    expect(kinds(runToEnd(next).taken)).toEqual([
      "hold bot",
      "drain bot",
      "stopReplica bot",
      "startReplica bot",
      "waitReady bot",
      "route bot",
      "markCurrent",
    ]);
    expect(planRollout(next).notes).toContainEqual(
      expect.objectContaining({ severity: "warning", service: "bot" }),
    );
  });

  it("proves the side-by-side services before it takes a stop-first one down", () => {
    const world = running(
      aRelease("r1", [aService("bot", { strategy: "singleton", routed: false }), aService("web")]),
    );
    const { taken } = runToEnd(
      deploying(world, [
        aService("bot", { strategy: "singleton", routed: false, revision: v2 }),
        aService("web", { revision: v2 }),
      ]),
    );
    expect(kinds(taken).indexOf("stopReplica bot")).toBeGreaterThan(kinds(taken).indexOf("waitReady web"));
  });

  it("returns by stopping the new replica before the old one starts again", () => {
    const world = running(aRelease("r1", [aService("db", { strategy: "recreate", routed: false })]));
    const target = aRelease("r2", [aService("db", { strategy: "recreate", routed: false, revision: v2 })]);
    const half: RolloutInput = {
      ...world,
      mode: "switch",
      base: target,
      target: world.target,
      done: new Set(),
      kept: { db: [v2] },
      observed: {
        ...world.observed,
        replicas: [
          aReplica("db", "aaaaaaaaaa" as Revision, 1, { state: "exited", ready: false }),
          aReplica("db", v2, 1, { ready: false }),
        ],
      },
    };
    expect(kinds(runToEnd(half).taken)).toEqual(["stopReplica db", "startReplica db", "waitReady db"]);
  });
});

describe("planRollout: withdrawn replicas", () => {
  it("stops one that has just ended but that the runtime would start again, once", () => {
    const world = running(aRelease("r1", [aService("web")]));
    const bad = aReplica("web", v2, 1, { state: "exited", ready: false, restarts: 3 });
    const back: RolloutInput = {
      ...world,
      mode: "switch",
      base: aRelease("r2", [aService("web", { revision: v2 })]),
      done: new Set(),
      kept: { web: [v2] },
      observed: { ...world.observed, replicas: [...world.observed.replicas, bad] },
    };
    expect(kinds(runToEnd(back).taken)).toEqual(["stopReplica web"]);
  });
});

describe("planRollout: rolling", () => {
  it("replaces one replica at a time and never has fewer than before", () => {
    const world = running(aRelease("r1", [aService("api", { strategy: "rolling", replicas: 3 })]));
    let fewest = Number.POSITIVE_INFINITY;
    const { taken } = runToEnd(
      deploying(world, [aService("api", { strategy: "rolling", replicas: 3, revision: v2 })]),
      (input) => {
        fewest = Math.min(fewest, input.observed.routing["api"]?.targets.length ?? 0);
      },
    );
    expect(fewest).toBe(3);
    expect(taken.filter((step) => step.kind === "route")).toHaveLength(3);
  });
});

describe("planRollout: steady", () => {
  const world: RolloutInput = {
    ...running(aRelease("r1", [aService("api", { replicas: 2 })])),
    mode: "steady",
  };
  const first = world.observed.replicas[0];
  const dead = (notBefore: Record<string, number>): RolloutInput => ({
    ...world,
    notBefore,
    observed: {
      ...world.observed,
      replicas: world.observed.replicas.map((r) =>
        r === first ? { ...r, state: "exited", ready: false } : r,
      ),
    },
  });

  it("has nothing to do when everything is as it should be", () => {
    expect(planRollout(world).steps).toEqual([]);
  });

  it("takes a dead replica out of the edge and starts it again", () => {
    expect(kinds(planRollout(dead({})).steps.map((s) => s.step)).sort()).toEqual([
      "route api",
      "startReplica api",
    ]);
  });

  it("does not start a crashing replica before its back-off has passed", () => {
    expect(kinds(planRollout(dead({ [first?.id ?? ""]: 1 })).steps.map((s) => s.step))).toEqual([
      "route api",
    ]);
  });

  it("keeps the routing when no replica is ready, so that the edge can say why", () => {
    const down = {
      ...world,
      observed: { ...world.observed, replicas: world.observed.replicas.map((r) => ({ ...r, ready: false })) },
    };
    expect(planRollout(down).steps).toEqual([]);
  });

  it("scales down: traffic first, then the surplus replica goes", () => {
    const fewer: RolloutInput = {
      ...world,
      target: aRelease("r1", [aService("api", { replicas: 1 })]),
      mode: "deploy",
      base: world.target,
      kept: { api: ["aaaaaaaaaa" as Revision] },
      done: new Set(),
    };
    expect(kinds(runToEnd(fewer).taken)).toEqual([
      "cutOver",
      "drain api",
      "stopReplica api",
      "removeReplica api",
    ]);
  });

  it("stops a service: no traffic, replicas stopped but not removed (R-257)", () => {
    const stopped: RolloutInput = {
      ...world,
      target: aRelease("r1", [aService("api", { replicas: 2, stopped: true })]),
      mode: "deploy",
      base: world.target,
      done: new Set(),
    };
    const { taken, input } = runToEnd(stopped);
    expect(kinds(taken)[0]).toBe("cutOver");
    expect(input.observed.replicas.map((r) => r.state)).toEqual(["exited", "exited"]);
  });
});

describe("planRollout: down", () => {
  it("withdraws the routes first, then stops and removes everything, networks last", () => {
    const world = running(
      aRelease("r1", [aService("api"), aService("db", { strategy: "recreate", routed: false })]),
    );
    const down: RolloutInput = {
      ...world,
      mode: "down",
      base: world.target,
      target: aRelease("r1", []),
      done: new Set(),
    };
    const { taken, input } = runToEnd(down);
    expect(taken[0]?.kind).toBe("cutOver");
    expect(taken.at(-1)).toEqual({ kind: "removeResources", volumes: false });
    expect(input.observed.replicas).toEqual([]);
  });

  it("stops dependents before what they need, databases last, and side by side what is independent", () => {
    const on = (...names: string[]) => ({
      dependsOn: names.map((service) => ({ service, condition: "started" as const, required: true })),
      routed: false,
    });
    const services = [
      aService("db", { database: true, routed: false }),
      aService("queue", { routed: false }),
      aService("api", { ...on("db", "queue"), routed: true }),
      aService("web", { ...on("api"), replicas: 2 }),
      aService("mailer", on("queue")),
      aService("loner", { routed: false }),
    ];
    const world = running(aRelease("r1", services));
    const target = aRelease("none", []);
    const { steps } = planRollout({ ...world, mode: "down", base: world.target, target, done: new Set() });
    const stops = steps.flatMap(({ step, wave }) =>
      step.kind === "stopReplica" ? [{ service: step.service, wave }] : [],
    );
    const wavesOf = (name: string) => stops.filter((stop) => stop.service === name).map(({ wave }) => wave);
    const [web = -1, alsoWeb] = wavesOf("web");
    expect(alsoWeb).toBe(web);
    expect([wavesOf("mailer"), wavesOf("loner")]).toEqual([[web], [web]]);
    const [api = -1] = wavesOf("api");
    const [queue = -1] = wavesOf("queue");
    expect(api).toBeGreaterThan(web);
    expect(queue).toBeGreaterThan(api);
    expect(wavesOf("db")[0]).toBeGreaterThan(queue);
    const drained = steps.find(({ step }) => step.kind === "drain" && step.service === "api");
    expect(drained?.wave).toBeLessThan(api);
  });
});
