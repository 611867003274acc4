import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bucketOf } from "../../src/lib/histogram.ts";
import { openSqliteTelemetry } from "../../src/telemetry/drivers/sqlite.ts";
import type { RangeQuery, Sample, Telemetry } from "../../src/telemetry/port.ts";
import { number, type Suite } from "../report.ts";

const passMs = 10_000;
const minuteMs = 60_000;
const dayMs = 86_400_000;
const services = 50;
const begin = 1_700_000_000_000 - (1_700_000_000_000 % dayMs);
const maxBytes = 1024 ** 3;

/** How quickly a day of 50 services is read, how exact its percentiles are, and how much room it takes. */
export const telemetrySuite: Suite = {
  title: "Telemetry: reading a day, percentiles, room on disk",
  run: async ({ quick, say }) => {
    const folder = mkdtempSync(join(tmpdir(), "roadstead-bench-"));
    try {
      const path = join(folder, "telemetry.db");
      say("telemetry: recording a day");
      const day = recordDay(path);
      say("telemetry: asking");
      const reads = questions.map((question) => readTimes(path, question, day, quick ? 10 : 60));
      say("telemetry: percentiles");
      const worst = percentileErrors(join(folder, "percentiles.db"), quick ? 20 : 200);
      return {
        tables: [
          {
            caption: `**A day of ${services} services, in milliseconds** (target: p95 of 50)`,
            header: ["Question", "First", "CPU", "p50", "p95", "CPU p50", "CPU p95", "Points"],
            rows: reads,
          },
          {
            caption: "**Percentiles of recorded requests against the exact ones, greatest difference**",
            header: ["p50", "p95", "p99"],
            rows: [worst.map((share) => `${number(share * 100)} %`)],
          },
          {
            caption: "**Room on disk for one service with requests in every pass**",
            header: ["Level", "Kept", "Bytes for a day", "All of it"],
            rows: roomRows(day),
          },
        ],
        notes: [
          `Every service has ${samplesPerService} series, and 20 requests in each pass of 10 s, of times that follow a log-normal distribution; the day was recorded in ${number(day.seconds)} s.`,
          "Between two of the repeated questions a pass is recorded, as between two looks of an open page; steps that have ended are held, up to 3 MB, and the open one is read.",
          "First: after a start of the control plane, when nothing is held. CPU: time on a core, which is what the question takes on a machine that has nothing else to do.",
          `Load average of the machine meanwhile: ${number(loadavg()[0] ?? 0)}.`,
          "Room is that of the encoded points and their keys, without what SQLite leaves free. The whole store is bounded to 1 GiB; beyond it the oldest minutes go first.",
        ],
        missing: [],
        programs: ["node"],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const samplesPerService = 6;

type Question = { name: string; query: Omit<RangeQuery, "from" | "to"> };

const questions: readonly Question[] = [
  {
    name: "p95 of every service, steps of 5 minutes",
    query: { metric: "edge.latency", groupBy: ["scope", "service"], step: 5 * minuteMs },
  },
  {
    name: "requests of every service by status",
    query: { metric: "edge.requests", groupBy: ["scope", "service", "code"], step: 5 * minuteMs },
  },
  {
    name: "availability of every stack",
    query: { metric: "service.up", groupBy: ["scope"], step: 5 * minuteMs },
  },
  {
    name: "p95 of one service",
    query: {
      metric: "edge.latency",
      match: { service: "service7" },
      groupBy: ["scope", "service"],
      step: 5 * minuteMs,
    },
  },
];

function passSamples(random: () => number): Sample[] {
  return Array.from({ length: services }, (_, index) => index).flatMap((index): Sample[] => {
    const labels = { scope: `stack${index % 10}/production`, service: `service${index}` };
    const histogram: Record<number, number> = {};
    for (let request = 0; request < 20; request += 1) {
      const bucket = bucketOf(requestTime(random));
      histogram[bucket] = (histogram[bucket] ?? 0) + 1;
    }
    return [
      { metric: "edge.latency", labels: { ...labels, release: "3" }, histogram },
      { metric: "edge.requests", labels: { ...labels, code: "2xx" }, increase: 19 },
      { metric: "edge.requests", labels: { ...labels, code: "5xx" }, increase: Math.round(random()) },
      { metric: "service.up", labels, value: 1 },
      { metric: "replica.cpu", labels, value: Math.round(random() * 100) / 1000 },
      { metric: "replica.memory", labels, value: Math.round(5e7 + random() * 1e6) },
    ];
  });
}

/** About 40 ms, now and then a second. */
function requestTime(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(3.7 + 0.8 * normal);
}

/** The same numbers every time: Park and Miller's generator. */
function generator(): () => number {
  let state = 20_231_114;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** `until`: what was recorded ends there; bytes of one service by level, with the chunks' keys. */
type Day = { seconds: number; until: number; levelBytes: readonly number[] };

/** Two hours more than a day, so that the first one is rolled up to hours. */
function recordDay(path: string): Day {
  const random = generator();
  const telemetry = openSqliteTelemetry(path, { maxBytes });
  const startedAt = performance.now();
  const until = begin + dayMs + 120 * minuteMs;
  for (let at = begin; at < until; at += passMs) telemetry.record(at, passSamples(random));
  telemetry.close();
  return { seconds: (performance.now() - startedAt) / 1000, until, levelBytes: levelBytes(path) };
}

/** Of the first day. A chunk's key is its level, series and begin: 16 bytes, in the table and in the index. */
function levelBytes(path: string): number[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const statement = database.prepare(
    "SELECT sum(length(bytes) + 32) AS bytes FROM chunk WHERE level = ? AND at < ?",
  );
  const bytes = [0, 1, 2].map((level) => Number(statement.get(level, begin + dayMs)?.["bytes"] ?? 0));
  database.close();
  return bytes.map((all) => all / services);
}

function readTimes(path: string, { name, query }: Question, day: Day, rounds: number): string[] {
  const random = generator();
  const telemetry = openSqliteTelemetry(path, { maxBytes });
  const ask = () => timed(telemetry, { ...query, from: day.until - dayMs, to: day.until });
  const first = ask();
  const times: number[] = [];
  const cpus: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    telemetry.record(day.until, passSamples(random));
    day.until += passMs;
    const { ms, cpuMs } = ask();
    times.push(ms);
    cpus.push(cpuMs);
  }
  telemetry.close();
  const cells = [quantile(times, 0.5), quantile(times, 0.95), quantile(cpus, 0.5), quantile(cpus, 0.95)];
  return [name, ...[first.ms, first.cpuMs, ...cells, first.points].map(number)];
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN;
}

function timed(telemetry: Telemetry, query: RangeQuery): { ms: number; cpuMs: number; points: number } {
  const before = process.threadCpuUsage();
  const startedAt = performance.now();
  const series = telemetry.range(query);
  const ms = performance.now() - startedAt;
  const { user, system } = process.threadCpuUsage(before);
  return {
    ms,
    cpuMs: (user + system) / 1000,
    points: series.reduce((sum, { points }) => sum + points.length, 0),
  };
}

const quantiles = [0.5, 0.95, 0.99] as const;

/** Minutes of recorded requests, whose every time is known: the greatest relative difference of each percentile. */
function percentileErrors(path: string, minutes: number): number[] {
  const random = generator();
  const telemetry = openSqliteTelemetry(path, { maxBytes });
  const labels = { scope: "shop/production", service: "web" };
  const exact: number[][] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const all: number[] = [];
    for (let pass = 0; pass < 6; pass += 1) {
      const histogram: Record<number, number> = {};
      for (let request = 0; request < 200; request += 1) {
        const ms = requestTime(random);
        all.push(ms);
        histogram[bucketOf(ms)] = (histogram[bucketOf(ms)] ?? 0) + 1;
      }
      const at = begin + minute * minuteMs + pass * passMs;
      telemetry.record(at, [{ metric: "edge.latency", labels, histogram }]);
    }
    all.sort((a, b) => a - b);
    exact.push(quantiles.map((share) => all[Math.ceil(share * all.length) - 1] ?? Number.NaN));
  }
  const to = begin + minutes * minuteMs;
  const [series] = telemetry.range({ metric: "edge.latency", from: begin, to, step: minuteMs });
  telemetry.close();
  const points = series?.kind === "histogram" ? series.points : [];
  return quantiles.map((_, index) =>
    Math.max(
      ...points.map((point, minute) => {
        const known = exact[minute]?.[index] ?? Number.NaN;
        return Math.abs(([point.p50, point.p95, point.p99][index] ?? 0) - known) / known;
      }),
    ),
  );
}

function roomRows({ levelBytes: [fine = 0, minutes = 0, hours = 0] }: Day): string[][] {
  const row = (level: string, kept: string, bytes: number, days: number) => [
    level,
    kept,
    `${number(bytes / 1024)} KiB`,
    `${number((bytes * days) / 1024 ** 2)} MiB`,
  ];
  const all = (fine * 25) / 24 + minutes * 31 + hours * 366;
  return [
    row("10 s", "25 hours", fine, 25 / 24),
    row("1 minute", "31 days", minutes, 31),
    row("1 hour", "366 days", hours, 366),
    ["a year of one service", "", "", `${number(all / 1024 ** 2)} MiB`],
  ];
}
