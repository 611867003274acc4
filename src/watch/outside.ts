import type { Clock } from "../lib/clock.ts";
import { bucketOf } from "../lib/histogram.ts";
import { messageOf } from "../lib/platform-error.ts";
import type { Prober } from "../probes/port.ts";
import type { EngineParts } from "../reconciler/parts.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { DependencyProbe } from "../stack/x-roadstead-dependencies.ts";
import type { Labels, Sample } from "../telemetry/port.ts";
import type { Gauge, WatchParts } from "./parts.ts";
import { Rounds } from "./rounds.ts";
import type { ScopeFacts, StackFacts } from "./stack-facts.ts";

type Parts = Pick<WatchParts, "log"> & {
  clock: Clock;
  facts: Pick<StackFacts, "all">;
  /** Between 0 and 1. @default Math.random */
  random?: () => number;
};

const routeEveryMs = 30_000;
const routeLimitMs = 5000;

/** Whether the outside services that stacks name answer, how fast, and when the certificates of those end. */
export function dependencyProbes({ prober, ...parts }: Parts & { prober: Prober }): Gauge {
  const rounds = new Rounds<Sample[]>(parts.clock, parts);
  const told = new Changes(parts.log);
  return {
    name: "dependencies",
    async read(signal) {
      const wanted = parts.facts.all().flatMap((one) => one.outside.map((probe) => ({ ...one, probe })));
      const results = await rounds.pass(
        wanted.map(({ scope, probe }) => ({
          key: `${scopeKey(scope)} ${probe.name}`,
          everyMs: probe.everySeconds * 1000,
          limitMs: probe.timeoutSeconds * 1000,
          run: (limit) => askOne(prober, { scope, probe, told }, limit),
        })),
        signal,
      );
      return results.flat();
    },
  };
}

type One = { scope: ScopeFacts["scope"]; probe: DependencyProbe; told: Changes };

async function askOne(prober: Prober, { scope, probe, told }: One, signal: AbortSignal): Promise<Sample[]> {
  const { name, target, timeoutSeconds } = probe;
  const labels: Labels = { scope: scopeKey(scope), dependency: name };
  const outcome = await prober.probe(target, timeoutSeconds * 1000, signal);
  told.note(`${name}, which ${scopeKey(scope)} needs,`, outcome.ok ? undefined : (outcome.reason ?? ""));
  const ends = outcome.certificateEnds;
  return [
    { metric: "dependency.up", labels, value: outcome.ok ? 1 : 0 },
    // How long a failure took says nothing about the service.
    ...(outcome.ok ? [timeOf("dependency.latency", labels, outcome.ms)] : []),
    ...(ends === undefined
      ? []
      : [
          {
            metric: "certificate.expires" as const,
            labels: { ...labels, host: target.host },
            value: Math.floor(ends / 1000),
          },
        ]),
  ];
}

/** Whether every public route answers a visitor, who comes through the edge. */
export function routeProbes({ request, ...parts }: Parts & Pick<EngineParts, "request">): Gauge {
  const rounds = new Rounds<Sample[]>(parts.clock, parts);
  const told = new Changes(parts.log);
  return {
    name: "public routes",
    async read(signal) {
      const wanted = parts.facts.all().flatMap((one) => one.routes.map((route) => ({ ...one, route })));
      const results = await rounds.pass(
        wanted.map(({ scope, route }) => ({
          key: `${scopeKey(scope)} ${route.name}`,
          everyMs: routeEveryMs,
          limitMs: routeLimitMs,
          run: async (limit) => {
            const { ok, ms, reason } = await askRoute(request, route, limit);
            const labels = { scope: scopeKey(scope), service: route.service, route: route.name };
            told.note(`${route.name} of ${scopeKey(scope)}`, ok ? undefined : reason);
            const up: Sample = { metric: "route.up", labels, value: ok ? 1 : 0 };
            return ok ? [up, timeOf("route.latency", labels, ms)] : [up];
          },
        })),
        signal,
      );
      return results.flat();
    },
  };
}

export type RouteAnswer = { ok: boolean; ms: number; status?: number; reason: string };

/** One request as a visitor makes it; below 500 it is well. Throws only for the signal. */
export async function askRoute(
  request: EngineParts["request"],
  { host, path }: { host: string; path: string },
  signal: AbortSignal,
): Promise<RouteAnswer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(routeLimitMs)]);
  const startedAt = performance.now();
  const took = () => performance.now() - startedAt;
  try {
    const { status } = await request({ method: "GET", path, status: 200 }, host, limit);
    return { ok: status < 500, ms: took(), status, reason: `answered ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    const reason = limit.aborted ? `no answer within ${routeLimitMs} ms` : messageOf(error);
    return { ok: false, ms: took(), reason };
  }
}

function timeOf(metric: "dependency.latency" | "route.latency", labels: Labels, ms: number): Sample {
  return { metric, labels, histogram: { [bucketOf(ms)]: 1 } };
}

/** Says once that something went wrong, and once that it is well again. */
class Changes {
  readonly #log: WatchParts["log"];
  readonly #ill = new Set<string>();

  constructor(log: WatchParts["log"]) {
    this.#log = log;
  }

  note(what: string, reason: string | undefined): void {
    if (reason === undefined) {
      if (this.#ill.delete(what)) this.#log("info", `${what} answers again`);
    } else if (!this.#ill.has(what)) {
      this.#ill.add(what);
      this.#log("warn", `${what} does not answer: ${reason}`);
    }
  }
}
