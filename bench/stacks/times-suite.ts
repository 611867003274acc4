import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/api/contract/client.ts";
import type { Platform } from "../../test/e2e/platform.ts";
import { median } from "../median.ts";
import { exactly, number, type Suite, type Table } from "../report.ts";
import { AnswerTrace } from "./answer-trace.ts";
import { ownStart } from "./own-start.ts";
import { type Change, composeArm, type RunningStack, roadsteadArm, type StackArm } from "./stack-arms.ts";

/** Milliseconds of one deploy and the rollback after it. */
type Times = {
  /** Acceptance to the last step that moved traffic, by the journal. Roadstead only. */
  deployAccepted?: number;
  /** Each step of the deploy up to there, by name. */
  steps?: ReadonlyMap<string, number>;
  /** Command start to the last answer that was not the new release's, seen from outside. */
  deploySeen: number;
  deployCommand: number;
  rollbackSeen: number;
  rollbackAccepted?: number;
  rollbackCommand: number;
};
type Outcome = { arm: string; ownStartMs: number; times: readonly Times[]; requests: number; failed: number };

/** How long a new release takes beyond the application's own start, and how long a rollback takes. */
export const timesSuite: Suite = {
  title: "Times: deploy and rollback",
  run: async ({ quick, say }) => {
    const repeats = quick ? 5 : 11;
    const outcomes: Outcome[] = [];
    const missing: string[] = [];
    const arms = [
      {
        runtime: "process",
        arm: roadsteadArm({ runtime: "process", edge: "embedded", strategy: "blue-green" }),
      },
      {
        runtime: "docker",
        arm: roadsteadArm({ runtime: "docker", edge: "haproxy", strategy: "blue-green" }),
      },
      { runtime: "docker", arm: composeArm },
    ] as const;
    const ran: StackArm[] = [];
    for (const { runtime, arm } of arms) {
      const lacks = arm.lacks();
      if (lacks !== undefined) {
        missing.push(`${arm.name}: ${lacks}`);
        continue;
      }
      say(`times: ${arm.name}`);
      const running = await arm.start("v0");
      try {
        const measured = await measure(running, repeats, say);
        outcomes.push({ arm: arm.name, ...measured, ownStartMs: await ownStart(runtime, repeats) });
        ran.push(arm);
      } finally {
        await running.stop();
      }
    }
    return {
      tables: [deployTable(outcomes), rollbackTable(outcomes), ...outcomes.flatMap(stepTable)],
      notes: [
        `${repeats} deploys of the stack of three services (release job, then api, then front, which waits for it), each followed by a rollback, under 200 requests a second through both services. Median / worst, in milliseconds.`,
        "Accepted: the deployment's `createdAt`; 100 % on the new release: the journal's last step that moved traffic. Seen from outside: from the start of the command to the last answer that was not wholly the wanted version's, or failed.",
        "The application's own start: job, api and front started alone, one after the other, each to its first healthy answer (`node`, or `docker run` of the same image), measured while the release of the same arm was still running.",
      ],
      missing,
      programs: [...new Set(ran.flatMap(({ programs }) => programs))],
    };
  },
};

async function measure(
  running: RunningStack,
  repeats: number,
  say: (line: string) => void,
): Promise<Pick<Outcome, "times" | "requests" | "failed">> {
  const trace = new AnswerTrace(running.port);
  const times: Times[] = [];
  try {
    await trace.settled("v0");
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      times.push(await deployAndBack(running, trace, `v${repeat}`));
      const { deploySeen = 0, rollbackSeen = 0 } = times.at(-1) ?? {};
      say(`  ${repeat}: deploy ${deploySeen} ms, rollback ${rollbackSeen} ms`);
    }
  } finally {
    await trace.stop();
  }
  const { requests, failed } = await trace.stop();
  return { times, requests, failed };
}

async function deployAndBack(running: RunningStack, trace: AnswerTrace, version: string): Promise<Times> {
  trace.restart();
  const deploy = await running.deploy(version);
  await trace.settled(version);
  const deploySeen = (trace.lastOther(version) ?? deploy.commandAt) - deploy.commandAt;
  trace.restart();
  const rollback = await running.rollback("v0");
  await trace.settled("v0");
  const lastNewer = trace.lastOther("v0") ?? rollback.commandAt;
  return {
    deploySeen,
    deployCommand: deploy.endedAt - deploy.commandAt,
    rollbackSeen: lastNewer - rollback.commandAt,
    rollbackCommand: rollback.endedAt - rollback.commandAt,
    ...(rollback.deployment ? { rollbackAccepted: lastNewer - rollback.deployment.createdAt } : {}),
    ...(running.platform ? await journalOf(running.platform, deploy) : {}),
  };
}

/** What the journal says up to the end of the last step that moved traffic. `cutOverAt` is the first such step. */
async function journalOf(
  platform: Platform,
  { deployment }: Change,
): Promise<Required<Pick<Times, "deployAccepted" | "steps">>> {
  if (deployment === undefined) throw new Error("the command printed no deployment");
  const token = readFileSync(join(platform.home, "token"), "utf8").trim();
  const client = createClient({ baseUrl: `http://127.0.0.1:${platform.api}`, token });
  const done: { name: string; shifts: boolean; at: number; durationMs: number }[] = [];
  for await (const event of client.deployments.events({ params: { id: deployment.id } })) {
    if (event.type === "end") break;
    const { entry } = event;
    if (entry.event !== "stepDone") continue;
    const { kind } = entry.step;
    const service = "service" in entry.step ? ` ${entry.step.service}` : "";
    const shifts = kind === "cutOver" || kind === "route";
    done.push({ name: `${kind}${service}`, shifts, at: entry.at, durationMs: entry.durationMs });
  }
  const last = done.findLastIndex(({ shifts }) => shifts);
  const shift = done[last];
  if (shift === undefined) throw new Error(`deployment ${deployment.id} moved no traffic`);
  return {
    deployAccepted: shift.at - deployment.createdAt,
    steps: new Map(done.slice(0, last + 1).map(({ name, durationMs }) => [name, durationMs])),
  };
}

function deployTable(outcomes: readonly Outcome[]) {
  const rows = outcomes.map(({ arm, times, ownStartMs }) => {
    const accepted = times.flatMap(({ deployAccepted }) =>
      deployAccepted === undefined ? [] : [deployAccepted],
    );
    const beyond = accepted.map((one) => one - ownStartMs);
    return [
      arm,
      medianAndWorst(accepted),
      number(ownStartMs),
      medianAndWorst(beyond),
      medianAndWorst(times.map(({ deploySeen }) => deploySeen)),
      medianAndWorst(times.map(({ deployCommand }) => deployCommand)),
    ];
  });
  const header = [
    "Arm",
    "Accepted → 100 % new",
    "Application's own start",
    "Beyond it",
    "Command start → 100 % new, seen",
    "Whole command",
  ];
  return { caption: "**Deploy**", header, rows };
}

/** Where a deploy's time goes. Some steps run side by side, so the sum is more than the whole. */
function stepTable({ arm, times }: Outcome): Table[] {
  const names = new Set(times.flatMap(({ steps }) => [...(steps?.keys() ?? [])]));
  if (names.size === 0) return [];
  const rows = [...names].map((name) => [
    `\`${name}\``,
    medianAndWorst(times.flatMap(({ steps }) => steps?.get(name) ?? [])),
  ]);
  return [{ caption: `**Steps up to 100 % new: ${arm}**`, header: ["Step", "Median / worst ms"], rows }];
}

function rollbackTable(outcomes: readonly Outcome[]) {
  const rows = outcomes.map(({ arm, times, requests, failed }) => [
    arm,
    medianAndWorst(times.map(({ rollbackSeen }) => rollbackSeen)),
    medianAndWorst(times.flatMap(({ rollbackAccepted: one }) => (one === undefined ? [] : [one]))),
    medianAndWorst(times.map(({ rollbackCommand }) => rollbackCommand)),
    `${exactly(failed)} of ${exactly(requests)}`,
  ]);
  const header = [
    "Arm",
    "Command start → last newer answer",
    "Accepted → last newer answer",
    "Whole command",
    "Failed requests, deploys included",
  ];
  return { caption: "**Rollback**", header, rows };
}

function medianAndWorst(values: readonly number[]): string {
  return values.length === 0 ? "–" : `${number(median(values))} / ${number(Math.max(...values))}`;
}
