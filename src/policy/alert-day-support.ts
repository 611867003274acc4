/** A recorded day with noise, a daily wave, deploys, short spikes and twenty planted faults; the same on every run. */

import type { AlertPoint, AlertSeries, Facts, SeriesQuery } from "./alert-measure.ts";
import type { Reading } from "./alert-rule.ts";

export const tickMs = 10_000;
const minuteTicks = 6;
const hourTicks = 360;
export const dayTicks = 24 * hourTicks;
/** A Tuesday, 00:00 UTC. */
export const dayStart = 1_767_657_600_000;

export type Fault = {
  what: string;
  rule: string;
  service?: string;
  severity: "info" | "warning" | "critical";
  /** Ticks of the day. */
  from: number;
  to: number;
};

type Labels = Readonly<Record<string, string>>;
/** One value per tick; undefined: nothing was measured. For durations: all of them in that tick. */
type Track =
  | { kind: "gauge" | "counter"; values: (number | undefined)[] }
  | { kind: "histogram"; values: number[][] };

const at = (hour: number, minute = 0) => hour * hourTicks + minute * minuteTicks;

export const faults: readonly Fault[] = [
  {
    what: "web is gone",
    rule: "service-down",
    service: "web",
    severity: "critical",
    from: at(3),
    to: at(3, 10),
  },
  {
    what: "the bot dies and dies",
    rule: "restart-loop",
    service: "bot",
    severity: "critical",
    from: at(4),
    to: at(4, 6),
  },
  {
    what: "api is killed once",
    rule: "out-of-memory",
    service: "api",
    severity: "warning",
    from: at(5),
    to: at(5, 1),
  },
  {
    what: "3 % of web fail",
    rule: "error-rate",
    service: "web",
    severity: "warning",
    from: at(6),
    to: at(6, 25),
  },
  {
    what: "a fifth of api fails",
    rule: "error-rate",
    service: "api",
    severity: "critical",
    from: at(7),
    to: at(7, 12),
  },
  { what: "web is slow", rule: "latency", service: "web", severity: "warning", from: at(8), to: at(8, 25) },
  { what: "api is full", rule: "memory", service: "api", severity: "warning", from: at(9), to: at(9, 30) },
  {
    what: "the chat's address is dead",
    rule: "route-down",
    service: "bot",
    severity: "critical",
    from: at(10),
    to: at(10, 6),
  },
  {
    what: "payments do not answer",
    rule: "dependency-down",
    severity: "warning",
    from: at(11),
    to: at(11, 15),
  },
  {
    what: "connections run out",
    rule: "database-connections",
    service: "db",
    severity: "warning",
    from: at(12),
    to: at(12, 20),
  },
  {
    what: "a query is slow",
    rule: "slow-queries",
    service: "db",
    severity: "info",
    from: at(13),
    to: at(13, 1),
  },
  { what: "something burns CPU", rule: "host-cpu", severity: "warning", from: at(14), to: at(14, 25) },
  { what: "the host is full", rule: "host-memory", severity: "warning", from: at(15), to: at(15, 20) },
  { what: "a dump fills the disk", rule: "disk", severity: "warning", from: at(16), to: at(16, 40) },
  { what: "the data disk grows", rule: "disk-full-in", severity: "warning", from: at(6), to: dayTicks },
  { what: "nobody renewed it", rule: "certificate", severity: "warning", from: at(12), to: dayTicks },
  { what: "a deploy fails", rule: "deployment-failed", severity: "warning", from: at(17), to: at(17, 20) },
  { what: "a deploy hangs", rule: "deployment-stuck", severity: "warning", from: at(18, 30), to: at(18, 50) },
  { what: "no backup last night", rule: "backup-overdue", severity: "warning", from: at(20), to: at(21) },
  { what: "a backup too small", rule: "backup-suspect", severity: "critical", from: at(22), to: at(22, 30) },
];

/** Times of things that must not alert: deploys, and spikes that are over soon. */
const deploys = [at(1), at(9, 50), at(17, 20), at(19, 5)];
const spikes = [at(2, 15), at(10, 40), at(13, 25), at(21, 35)];

export class RecordedDay {
  readonly #tracks = new Map<string, { labels: Labels; track: Track }[]>();
  readonly #random: () => number;
  readonly #settled = new Map<string, AlertPoint | undefined>();

  constructor(seed = 7) {
    this.#random = mulberry(seed);
    this.#services();
    this.#traffic();
    this.#host();
    this.#database();
    this.#outside();
  }

  /** What a store of series would answer at a tick: steps aligned, the last one not over yet. */
  ask(tick: number): (query: SeriesQuery) => AlertSeries[] {
    return ({ metric, by, stepMs, windowMs }) => {
      const step = stepMs / tickMs;
      const first = Math.max(0, Math.floor((tick - windowMs / tickMs) / step));
      return (this.#tracks.get(metric) ?? []).map(({ labels, track }, series) => {
        const points: AlertPoint[] = [];
        for (let index = first; index * step < tick; index += 1) {
          const point = this.#point(`${metric} ${series} ${step} ${index}`, track, {
            from: index * step,
            to: Math.min((index + 1) * step, tick),
            isOver: (index + 1) * step <= tick,
          });
          if (point) points.push(point);
        }
        return { labels: Object.fromEntries(by.flatMap((name) => pick(labels, name))), points };
      });
    };
  }

  facts(tick: number): Facts {
    const scope = "shop/production";
    const during = (rule: string) =>
      faults.find((one) => one.rule === rule && one.from <= tick && tick < one.to);
    const stuck = during("deployment-stuck");
    const deploying = [...deploys, ...(stuck ? [stuck.from - 30 * minuteTicks] : [])]
      .filter((from) => from <= tick && tick < from + (stuck ? dayTicks : 8 * minuteTicks))
      .map((from): Reading => ({ subject: { scope }, value: (tick - from) / minuteTicks }));
    const overdue = during("backup-overdue");
    return {
      deploymentFailed: during("deployment-failed")
        ? [{ subject: { scope }, value: 1, words: "v7: not ready" }]
        : [],
      deploymentStuck: deploying,
      backupAge: [
        {
          subject: { scope, service: "db" },
          // The nightly one ends at 02:00; the evening's is late for an hour.
          value: overdue
            ? 24.5 + (tick - overdue.from) / hourTicks
            : ((tick + 22 * hourTicks) % dayTicks) / hourTicks,
        },
      ],
      backupSuspect: during("backup-suspect") ? [{ subject: { scope, service: "db" }, value: 1 }] : [],
    };
  }

  #point(key: string, track: Track, { from, to, isOver }: { from: number; to: number; isOver: boolean }) {
    if (isOver && this.#settled.has(key)) return this.#settled.get(key);
    const point = pointOf(track, from, to);
    if (isOver) this.#settled.set(key, point);
    return point;
  }

  #add(metric: string, labels: Labels, track: Track): void {
    this.#tracks.set(metric, [...(this.#tracks.get(metric) ?? []), { labels, track }]);
  }

  #gauge(metric: string, labels: Labels, value: (tick: number) => number | undefined): void {
    this.#add(metric, labels, {
      kind: "gauge",
      values: Array.from({ length: dayTicks }, (_, tick) => value(tick)),
    });
  }

  #counter(metric: string, labels: Labels, value: (tick: number) => number): void {
    this.#add(metric, labels, {
      kind: "counter",
      values: Array.from({ length: dayTicks }, (_, tick) => value(tick)),
    });
  }

  #noise(width: number): number {
    return (this.#random() - 0.5) * 2 * width;
  }

  #services(): void {
    const wanted: Record<string, number> = { web: 2, api: 3, bot: 1, db: 1 };
    for (const [service, replicas] of Object.entries(wanted)) {
      const labels = { scope: scopeOf(service), service };
      this.#gauge("service.wanted", labels, () => replicas);
      this.#gauge("service.ready", labels, (tick) => {
        if (hits("service-down", service, tick)) return 0;
        // A singleton is replaced: nothing is ready for 40 seconds. Of three replicas one is, for three minutes.
        if (service === "bot" && deploys.some((from) => from <= tick && tick < from + 4)) return 0;
        if (service === "api" && deploys.some((from) => from <= tick && tick < from + 18)) return 2;
        return replicas;
      });
      this.#counter("replica.restarts", labels, (tick) => {
        const loops = hits("restart-loop", service, tick) && tick % 9 === 0;
        return loops || (service === "api" && tick === at(14, 30)) ? 1 : 0;
      });
      this.#counter("replica.oom_kills", labels, (tick) =>
        service === "api" && tick === starts("out-of-memory") ? 1 : 0,
      );
      const limit = 512 * 2 ** 20;
      this.#gauge("replica.memory_limit", labels, () => limit);
      this.#gauge("replica.memory", labels, (tick) => {
        const spike =
          service === "web" && spikes.some((from) => from <= tick && tick < from + 3 * minuteTicks);
        const share = hits("memory", service, tick) ? 0.87 : spike ? 0.9 : 0.55 + 0.12 * wave(tick);
        return limit * (share + this.#noise(0.03));
      });
    }
  }

  #traffic(): void {
    for (const service of ["web", "api"]) {
      const labels = { scope: scopeOf(service), service };
      const rate = (tick: number) => Math.round(20 + 60 * wave(tick) + this.#noise(8));
      const good: number[] = [];
      const bad: number[] = [];
      const latencies: number[][] = [];
      for (let tick = 0; tick < dayTicks; tick += 1) {
        const requests = Math.max(3, rate(tick));
        const failed = Math.min(requests, Math.round(requests * this.#errorShare(service, tick)));
        good.push(requests - failed);
        bad.push(failed);
        const mean = this.#latency(service, tick);
        latencies.push(
          Array.from({ length: Math.ceil(requests / 6) }, () => mean * Math.exp(this.#noise(0.6))),
        );
      }
      this.#add("edge.requests", { ...labels, code: "2xx" }, { kind: "counter", values: good });
      this.#add("edge.requests", { ...labels, code: "5xx" }, { kind: "counter", values: bad });
      this.#add("edge.latency", labels, { kind: "histogram", values: latencies });
    }
    // Hardly anybody asks: one failure of few requests is no rate.
    const quiet = { scope: scopeOf("bot"), service: "bot" };
    this.#counter("edge.requests", { ...quiet, code: "2xx" }, (tick) => (tick % 60 === 0 ? 1 : 0));
    this.#counter("edge.requests", { ...quiet, code: "5xx" }, (tick) => (tick === at(12, 30) ? 1 : 0));
  }

  #errorShare(service: string, tick: number): number {
    if (hits("error-rate", service, tick)) return service === "web" ? 0.035 : 0.2;
    // Half of all requests for 30 seconds: a deploy that dropped connections, and no more.
    if (spikes.some((from) => from <= tick && tick < from + 3)) return 0.5;
    return this.#random() < 0.02 ? 0.02 : 0;
  }

  #latency(service: string, tick: number): number {
    if (hits("latency", service, tick)) return 420;
    if (spikes.some((from) => from <= tick && tick < from + 9)) return 1500;
    return 90 + 60 * wave(tick) + this.#noise(20);
  }

  #host(): void {
    const labels = { host: "one" };
    this.#gauge("host.cpu", labels, (tick) => {
      const building = deploys.some((from) => from <= tick && tick < from + 7 * minuteTicks);
      return hits("host-cpu", undefined, tick)
        ? 0.95
        : building
          ? 0.99
          : 0.25 + 0.3 * wave(tick) + this.#noise(0.1);
    });
    this.#gauge("host.memory_total", labels, () => 100);
    this.#gauge("host.memory", labels, (tick) => {
      const spike = spikes.some((from) => from <= tick && tick < from + 3 * minuteTicks);
      return (hits("host-memory", undefined, tick) ? 92 : spike ? 93 : 60 + 10 * wave(tick)) + this.#noise(1);
    });
    for (const mount of ["/", "/data", "/build"])
      this.#gauge("host.disk_total", { ...labels, mount }, () => 100);
    // Logs grow until they are rotated at noon; the dump comes on top, a shorter one is gone again at once.
    this.#gauge("host.disk", { ...labels, mount: "/" }, (tick) => {
      const logs = (tick % at(12)) / at(12);
      const spike = spikes.some((from) => from <= tick && tick < from + 3 * minuteTicks);
      return (hits("disk", undefined, tick) ? 83 : spike ? 85 : 60 + 4 * logs) + this.#noise(0.2);
    });
    // Grows all night, and is tidied up just when it begins to look like a trend.
    this.#gauge("host.disk", { ...labels, mount: "/build" }, (tick) => {
      const share = tick < at(6, 20) ? tick / at(6, 20) : 0;
      return 20 + 40 * share + this.#noise(0.2);
    });
    this.#gauge(
      "host.disk",
      { ...labels, mount: "/data" },
      (tick) => 20 + (24 * tick) / dayTicks + this.#noise(0.3),
    );
    const expires = dayStart / 1000 + 14.5 * 86_400;
    this.#gauge("certificate.expires", labels, () => expires);
  }

  #database(): void {
    const labels = { scope: scopeOf("db"), service: "db", database: "shop" };
    this.#gauge("database.connections_max", labels, () => 100);
    this.#gauge("database.connections", labels, (tick) => {
      const spike = spikes.some((from) => from <= tick && tick < from + 3 * minuteTicks);
      return (
        (hits("database-connections", "db", tick) ? 86 : spike ? 90 : 30 + 20 * wave(tick)) + this.#noise(3)
      );
    });
    this.#counter("database.slow_queries", labels, (tick) => (tick === starts("slow-queries") ? 2 : 0));
  }

  #outside(): void {
    this.#gauge("dependency.up", { scope: "shop/production", dependency: "payments" }, (tick) => {
      if (tick % 3 !== 0) return undefined;
      const blip = spikes.some((from) => from <= tick && tick < from + minuteTicks);
      return hits("dependency-down", undefined, tick) || blip ? 0 : 1;
    });
    this.#gauge("route.up", { scope: scopeOf("bot"), service: "bot", route: "chat.test/" }, (tick) => {
      if (tick % 3 !== 0) return undefined;
      const blip = deploys.some((from) => from <= tick && tick < from + 4);
      return hits("route-down", "bot", tick) || blip ? 0 : 1;
    });
  }
}

function scopeOf(service: string): string {
  return service === "bot" ? "chat/production" : "shop/production";
}

function hits(rule: string, service: string | undefined, tick: number): boolean {
  return faults.some(
    (one) => one.rule === rule && one.service === service && one.from <= tick && tick < one.to,
  );
}

function starts(rule: string): number {
  return faults.find((one) => one.rule === rule)?.from ?? -1;
}

/** 0 in the night, 1 in the early afternoon. */
function wave(tick: number): number {
  return (1 - Math.cos(((tick / dayTicks) * 24 - 2) * (Math.PI / 12))) / 2;
}

function pointOf(track: Track, from: number, to: number): AlertPoint | undefined {
  const at = dayStart + from * tickMs;
  if (track.kind === "histogram") {
    const all = Float64Array.from(track.values.slice(from, to).flat()).sort();
    const p95 = all[Math.ceil(all.length * 0.95) - 1];
    return p95 === undefined ? undefined : { at, count: all.length, p95 };
  }
  const values = track.values.slice(from, to).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  const sum = values.reduce((total, value) => total + value, 0);
  if (track.kind === "counter") return { at, increase: sum };
  return { at, min: Math.min(...values), avg: sum / values.length, max: Math.max(...values) };
}

function pick(labels: Labels, name: string): [string, string][] {
  const value = labels[name];
  return value === undefined ? [] : [[name, value]];
}

/** Small and the same everywhere: Mulberry32. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
