import { LoadGenerator, type LoadReport } from "../load-generator.ts";
import { exactly, number, type Suite } from "../report.ts";
import { composeArm, type RunningStack, roadsteadArms, type StackArm, stackHost } from "./stack-arms.ts";

type Size = { requests: number; changes: number; rate: number };
type Outcome = {
  arm: string;
  changes: number;
  requests: number;
  failed: number;
  /** Seconds of which at least one request failed, in slots of 100 ms. */
  failingSeconds: number;
  reasons: Readonly<Record<string, number>>;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
};

const slotMs = 100;

/** Failed requests while a stack of three services is deployed and rolled back again and again under constant load. */
export const deploySuite: Suite = {
  title: "Deploying under load: failed requests",
  run: async ({ quick, say }) => {
    const size: Size = quick
      ? { requests: 5_000, changes: 3, rate: 200 }
      : { requests: 250_000, changes: 15, rate: 1_200 };
    const outcomes: Outcome[] = [];
    const missing: string[] = [];
    const arms = [...roadsteadArms, composeArm];
    const ran: StackArm[] = [];
    for (const arm of arms) {
      const lacks = arm.lacks();
      if (lacks !== undefined) {
        missing.push(`${arm.name}: ${lacks}`);
        continue;
      }
      say(`deploy: ${arm.name}`);
      // Enough of it to see its nature; its requests are not among the million.
      const own =
        arm === composeArm
          ? { ...size, requests: size.requests / 5, changes: Math.ceil(size.changes / 5) }
          : size;
      outcomes.push(await runArm(arm, own, say));
      ran.push(arm);
    }
    return {
      tables: [{ caption: "**Failed requests, no retries**", header, rows: outcomes.map(rowOf) }],
      notes: [
        `${size.rate} requests a second at the public entry, half of them through an internal call to the second service; three quarters on 32 keep-alive connections, one quarter each on a new connection. Every status outside 200–399, reset, refused connection or silence of 10 s counts as failed.`,
        `Each Roadstead arm: at least ${exactly(size.requests)} requests and ${size.changes} changes (two deploys, then a rollback, each as soon as the one before has ended); all Roadstead arms together: ${totalOf(outcomes.filter(({ arm }) => arm !== composeArm.name))}.`,
        "docker compose runs the same file; its front service publishes a port and has a health check of 1 s added, so that `--wait` can wait for it. It has no rollback: `up` with the earlier version stands for it.",
        ...outcomes.filter(({ failed }) => failed > 0).map(reasonsOf),
      ],
      missing,
      programs: [...new Set(ran.flatMap(({ programs }) => programs))],
    };
  },
};

async function runArm(arm: StackArm, size: Size, say: (line: string) => void): Promise<Outcome> {
  const running = await arm.start("v0");
  try {
    return { arm: arm.name, ...(await underLoad(running, size, say)) };
  } finally {
    await running.stop();
  }
}

async function underLoad(
  running: RunningStack,
  size: Size,
  say: (line: string) => void,
): Promise<Omit<Outcome, "arm">> {
  const slots = new Set<number>();
  const options = {
    host: "127.0.0.1",
    port: running.port,
    requests: ["/version", "/through"].map((path) => ({ host: stackHost, path })),
    onFailure: () => slots.add(Math.floor(performance.now() / slotMs)),
  };
  const kept = new LoadGenerator({ ...options, connections: 32, rate: size.rate * 0.75 }).start();
  const fresh = new LoadGenerator({
    ...options,
    connections: 8,
    rate: size.rate * 0.25,
    reconnect: true,
  }).start();
  let changes = 0;
  let current = "v0";
  let before = "v0";
  try {
    while (changes < size.changes || kept.requests + fresh.requests < size.requests) {
      const back = changes % 3 === 2;
      const next = back ? before : `v${changes + 1}`;
      await (back ? running.rollback(next) : running.deploy(next));
      [before, current] = [current, next];
      changes += 1;
      say(
        `  ${changes} changes, ${kept.requests + fresh.requests} requests, ${kept.failed + fresh.failed} failed`,
      );
    }
  } finally {
    await Promise.all([kept.stop(), fresh.stop()]);
  }
  const reports = [await kept.stop(), await fresh.stop()] as const;
  return { changes, failingSeconds: (slots.size * slotMs) / 1000, ...merged(reports) };
}

/** Percentiles are those of the keep-alive connections. */
function merged([kept, fresh]: readonly [LoadReport, LoadReport]): Omit<
  Outcome,
  "arm" | "changes" | "failingSeconds"
> {
  const reasons: Record<string, number> = { ...kept.reasons };
  for (const [reason, count] of Object.entries(fresh.reasons))
    reasons[reason] = (reasons[reason] ?? 0) + count;
  return {
    requests: kept.requests + fresh.requests,
    failed: kept.failed + fresh.failed,
    reasons,
    seconds: kept.seconds,
    p50Ms: kept.p50Ms,
    p99Ms: kept.p99Ms,
  };
}

const header = [
  "Arm",
  "Changes",
  "Requests",
  "Failed",
  "Failed per change",
  "Seconds with failures per change",
  "p50 ms",
  "p99 ms",
  "Minutes",
];

function rowOf(one: Outcome): string[] {
  return [
    one.arm,
    exactly(one.changes),
    exactly(one.requests),
    exactly(one.failed),
    number(one.failed / one.changes),
    number(one.failingSeconds / one.changes),
    number(one.p50Ms),
    number(one.p99Ms),
    number(one.seconds / 60),
  ];
}

function totalOf(outcomes: readonly Outcome[]): string {
  const sum = (pick: (one: Outcome) => number) =>
    exactly(outcomes.reduce((total, one) => total + pick(one), 0));
  return `${sum((one) => one.requests)} requests, ${sum((one) => one.changes)} changes, ${sum((one) => one.failed)} failed`;
}

function reasonsOf({ arm, reasons }: Outcome): string {
  const sorted = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  return `${arm} failed by: ${sorted.map(([reason, count]) => `${reason} ${exactly(count)}`).join(", ")}.`;
}
