import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerRuntime } from "../../src/runtime/drivers/docker.ts";
import { LoadGenerator, type LoadReport } from "../load-generator.ts";
import { median } from "../median.ts";
import { exactly, number, type Suite } from "../report.ts";
import { lacksDocker, type RunningStack, roadsteadArm, stackHost } from "../stacks/stack-arms.ts";

const rate = 200;
const arms = ["no build", "a build by Roadstead", "docker buildx build"] as const;
type Arm = (typeof arms)[number];

/** What a hosted service's visitors feel while a build takes all the processor and a gigabyte that it can get. */
export const buildSuite: Suite = {
  title: "A build beside what serves: 95th percentile",
  run: async ({ quick, say }) => {
    const [rounds, seconds] = quick ? [3, 3] : [9, 6];
    const stack = roadsteadArm({ runtime: "docker", edge: "haproxy", strategy: "blue-green" });
    const lacks = lacksDocker() ?? stack.lacks();
    if (lacks !== undefined) return { tables: [], notes: [], missing: [`build: ${lacks}`], programs: [] };
    const readings = new Map<Arm, LoadReport[]>(arms.map((arm) => [arm, []]));
    const serving = await stack.start("v0");
    const builds = new HungryBuilds(seconds);
    try {
      await load(serving, 2);
      for (let round = 0; round < rounds; round += 1)
        for (const arm of arms) {
          const report = await builds.during(arm, () => load(serving, seconds));
          readings.get(arm)?.push(report);
          say(`build: round ${round + 1}, ${arm}: p95 ${number(report.p95Ms)} ms, ${report.failed} failed`);
        }
    } finally {
      await builds.close();
      await serving.stop();
    }
    const base = readings.get("no build") ?? [];
    const rows = [...readings].map(([arm, all]) => {
      const ratios = all.map(({ p95Ms }, round) => p95Ms / (base[round]?.p95Ms ?? Number.NaN));
      const range = `${number(Math.min(...ratios))}–${number(Math.max(...ratios))}`;
      return [
        ...[arm, number(median(all.map(({ p95Ms }) => p95Ms))), number(median(ratios)), range],
        ...[number(median(all.map(({ p50Ms }) => p50Ms))), number(median(all.map(({ p99Ms }) => p99Ms)))],
        exactly(all.reduce((sum, { failed }) => sum + failed, 0)),
      ];
    });
    const header = ["Beside it", "p95 ms", "Ratio", "Range of rounds", "p50 ms", "p99 ms", "Failed"];
    return {
      tables: [{ caption: "**Latency of a hosted service**", header, rows }],
      notes: [
        `${rounds} interleaved rounds of ${seconds} s; medians. Ratio: p95 against no build in the same round. ${rate} requests a second, half of them through an internal call.`,
        "The build's step spins on two cores and fills a gigabyte; measured only while it does. The same Dockerfile in both arms, without the cache.",
      ],
      missing: [],
      programs: [...stack.programs],
    };
  },
};

async function load({ port }: RunningStack, seconds: number): Promise<LoadReport> {
  const requests = ["/version", "/through"].map((path) => ({ host: stackHost, path }));
  const generator = new LoadGenerator({ host: "127.0.0.1", port, requests, connections: 16, rate }).start();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return await generator.stop();
}

/** Takes what it can get for as long as the measurement and a little more. */
const burn = (seconds: number) => `
const kept = [];
console.log("burning");
for (const end = Date.now() + ${seconds * 1000}; Date.now() < end; ) {
  if (kept.length < 25) kept.push(Buffer.alloc(2e7, 1));
  require("node:crypto").createHash("sha256").update(kept[0]).digest();
}
`;

class HungryBuilds {
  readonly #folder = mkdtempSync(join(tmpdir(), "roadstead-bench-build-"));
  readonly #runtime = new DockerRuntime({ filesDirectory: join(this.#folder, "files"), owner: this.#folder });

  constructor(seconds: number) {
    writeFileSync(join(this.#folder, "burn.js"), burn(seconds + 2));
    const lines = ["FROM node:24-alpine", "COPY burn.js .", "RUN node burn.js & node burn.js & wait", ""];
    writeFileSync(join(this.#folder, "Dockerfile"), lines.join("\n"));
  }

  /** Measures once the build's step has begun, and lets the build end. */
  async during(arm: Arm, measure: () => Promise<LoadReport>): Promise<LoadReport> {
    if (arm === "no build") return await measure();
    const begun = Promise.withResolvers<void>();
    const onLine = (line: string) => {
      if (/\d burning/.test(line)) begun.resolve();
    };
    const built = arm === "docker buildx build" ? this.#plainly(onLine) : this.#byRoadstead(onLine);
    built.catch(begun.reject);
    await begun.promise;
    const report = await measure();
    await built;
    return report;
  }

  async close(): Promise<void> {
    await this.#runtime.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #byRoadstead(onLine: (line: string) => void): Promise<void> {
    const scope = { stack: "bench-build", environment: "test" };
    const compose = { build: { context: this.#folder, no_cache: true } };
    const signal = AbortSignal.timeout(120_000);
    const { digest } = await this.#runtime.ensureImage({ scope, service: "hungry", compose }, onLine, signal);
    await ended(["image", "rm", "--force", digest], () => undefined);
  }

  async #plainly(onLine: (line: string) => void): Promise<void> {
    await ended(["buildx", "build", "--no-cache", "--progress", "plain", this.#folder], onLine);
  }
}

function ended(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => text.split("\n").forEach(onLine));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`docker ${args[0]}: ${code}`))));
  });
}
