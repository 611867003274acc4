import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Platform, type PlatformOptions } from "../../test/e2e/platform.ts";
import { median } from "../median.ts";
import { number, type Suite } from "../report.ts";
import { removeImages } from "../stacks/remove-images.ts";
import { lacksDocker } from "../stacks/stack-arms.ts";
import { cpuSeconds, platformProcesses, residentMegabytes } from "./platform-processes.ts";

type Reading = {
  state: string;
  part: string;
  processes: number;
  rss: number;
  most: number;
  cpuPercent: number;
};
type Size = { settleSeconds: number; seconds: number; everySeconds: number };

const services = 50;
/** Of these, so many answer HTTP and are probed and routed; the others sleep. */
const web = 10;

/** Memory and CPU of the platform itself while nothing happens: empty, and with 50 services. */
export const idleSuite: Suite = {
  title: "Idle: memory and CPU of the platform",
  run: async ({ quick, say }) => {
    const size = quick
      ? { settleSeconds: 5, seconds: 10, everySeconds: 1 }
      : { settleSeconds: 30, seconds: 60, everySeconds: 2 };
    const rows: string[][] = [];
    const missing: string[] = [];
    const arms = [
      { runtime: "process", edge: "embedded" },
      { runtime: "docker", edge: "haproxy" },
    ] as const;
    for (const options of arms) {
      const name = `${options.runtime} + ${options.edge}`;
      const lacks = options.runtime === "docker" ? lacksDocker() : undefined;
      if (lacks !== undefined) {
        missing.push(`${name}: ${lacks}`);
        continue;
      }
      say(`idle: ${name}`);
      for (const reading of await runArm(options, size)) rows.push(rowOf(name, reading));
    }
    return {
      tables: [{ caption: "**The platform's own processes**", header, rows }],
      notes: [
        `${services} services: ${services - web} that sleep and ${web} small HTTP services with a route and a health check. After ${size.settleSeconds} s of rest, ${size.seconds} s; RSS (VmRSS of /proc/<pid>/status) is the median of readings every ${size.everySeconds} s, summed over the part's processes, so pages they share count more than once. 100 % CPU is one core (utime + stime of /proc/<pid>/stat). Most: VmHWM since the start, deploy of the 50 services included.`,
        "The first start in a new home compiles the sources and keeps the result there; later starts read it and need less memory, which is the last state.",
        "The Docker engine and the services' own processes are not counted.",
      ],
      missing,
      programs: ["node", "haproxy", "docker"],
    };
  },
};

async function runArm(options: PlatformOptions, size: Size): Promise<Reading[]> {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-bench-"));
  const stack = `bench-idle-${process.pid}`;
  const platform = await Platform.start(options);
  try {
    writeStack(folder, stack);
    const empty = await read(platform, "no stack", size);
    await platform.ok(["deploy", "-f", join(folder, "compose.yaml")]);
    const first = await read(platform, `${services} services`, size);
    await platform.ok(["down", "--platform", "--yes"]);
    await platform.up();
    return [...empty, ...first, ...(await read(platform, "the same, platform started again", size))];
  } finally {
    await platform.stop();
    if (options.runtime === "docker") removeImages(stack);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function read(platform: Platform, state: string, size: Size): Promise<Reading[]> {
  await seconds(size.settleSeconds);
  const processes = platformProcesses(platform.home);
  const began = performance.now();
  const before = processes.map(({ pid }) => cpuSeconds(pid));
  const samples: number[][] = [];
  for (let at = 0; at < size.seconds; at += size.everySeconds) {
    await seconds(size.everySeconds);
    samples.push(processes.map(({ pid }) => residentMegabytes(pid)));
  }
  const used = processes.map(({ pid }, index) => cpuSeconds(pid) - (before[index] ?? 0));
  const elapsed = (performance.now() - began) / 1000;
  return (["control plane", "edge"] as const).map((part) => {
    const mine = processes.flatMap((one, index) => (one.part === part ? [index] : []));
    const sum = (values: readonly number[]) => mine.reduce((total, index) => total + (values[index] ?? 0), 0);
    return {
      state,
      part,
      processes: mine.length,
      rss: median(samples.map(sum)),
      most: sum(processes.map(({ pid }) => residentMegabytes(pid, "VmHWM"))),
      cpuPercent: (sum(used) / elapsed) * 100,
    };
  });
}

const header = ["Arm", "State", "Part", "Processes", "RSS MB", "Most MB", "CPU %"];

function rowOf(arm: string, one: Reading): string[] {
  const { state, part, processes } = one;
  return [arm, state, part, number(processes), number(one.rss), number(one.most), number(one.cpuPercent)];
}

function writeStack(folder: string, name: string): void {
  const program = `import { createServer } from "node:http";
createServer((request, response) => response.end("ok")).listen(Number(process.env.PORT), process.env.HOST ?? "0.0.0.0");
`;
  writeFileSync(join(folder, "server.mjs"), program);
  writeFileSync(
    join(folder, "Dockerfile"),
    'FROM node:24-alpine\nWORKDIR /app\nCOPY server.mjs ./\nCMD ["node", "server.mjs"]\n',
  );
  const sleeping = Array.from(
    { length: services - web },
    (_, index) => `  sleep-${index}:
    build: .
    command: [sleep, "1000000"]
    stop_grace_period: 1s
    x-roadstead: { kind: worker }`,
  );
  const answering = Array.from(
    { length: web },
    (_, index) => `  web-${index}:
    build: .
    environment: { PORT: "3000" }
    expose: ["3000"]
    stop_grace_period: 1s
    x-roadstead:
      kind: web
      routes: [{ host: web-${index}.localhost, port: 3000 }]
      health: { http: /, port: 3000 }`,
  );
  writeFileSync(
    join(folder, "compose.yaml"),
    [`name: ${name}`, "services:", ...sleeping, ...answering, ""].join("\n"),
  );
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
