import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadStack } from "../../src/stack/load-stack.ts";
import { median } from "../median.ts";
import { number, type Suite } from "../report.ts";
import { longComposeFile } from "./long-compose-file.ts";
import { planBench } from "./plan.ts";

const root = join(import.meta.dirname, "../..");

type Arm = { name: string; run: () => void; milliseconds: number[]; error?: string };

/** How long reading a 2,000-line Compose file and planning 1,000 services take. */
export const coreSuite: Suite = {
  title: "Core: reading Compose files and planning",
  run: async ({ quick, say }) => {
    const rounds = quick ? 5 : 21;
    const folder = mkdtempSync(join(tmpdir(), "roadstead-bench-"));
    try {
      const file = join(folder, "compose.yaml");
      const text = longComposeFile(2000);
      writeFileSync(file, text);
      const warm = warmArm(folder, file, text);
      const cold = {
        name: "`roadstead check`, whole command",
        run: () => command("./roadstead", "check", file),
      };
      const compose = {
        name: "`docker compose config -q`, whole command",
        run: () => command("docker", "compose", "-f", file, "config", "-q"),
      };
      const arms: Arm[] = [warm, cold, compose].map((arm) => ({ ...arm, milliseconds: [] }));
      say("core: reading");
      for (let round = 0; round < rounds; round += 1) for (const arm of arms) measure(arm);
      say("core: planning");
      const plan = planBench();
      const reference = arms.at(-1)?.milliseconds ?? [];
      return {
        tables: [
          {
            caption: `**Reading and checking a Compose file of ${text.split("\n").length - 1} lines**`,
            header: ["Arm", "Median ms", "Range", "Ratio to docker compose"],
            rows: arms
              .filter(({ error }) => error === undefined)
              .map(({ name, milliseconds }) => [
                name,
                number(median(milliseconds)),
                `${number(Math.min(...milliseconds))}–${number(Math.max(...milliseconds))}`,
                number(median(milliseconds.map((one, round) => one / (reference[round] ?? Number.NaN)))),
              ]),
          },
          {
            caption: "**Planning a change of every service**",
            header: ["Services", "Replicas", "Steps", "Median ms"],
            rows: [
              [
                number(plan.services),
                number(plan.services * 2),
                plan.steps.toLocaleString("en-US"),
                number(plan.medianMs),
              ],
            ],
          },
        ],
        notes: [
          `${rounds} interleaved rounds; planning: 21 runs after a warm-up. The whole commands include their start; \`check\` also infers probes, routes and strategies and lints, \`docker compose config\` only validates.`,
        ],
        missing: arms.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`])),
        programs: ["node", "docker compose"],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** The same work within a process that has done it before, as the control plane does. */
function warmArm(folder: string, file: string, text: string): { name: string; run: () => void } {
  const run = () => {
    const { stack, problems } = loadStack({
      composeFiles: [file],
      projectDirectory: folder,
      profiles: [],
      environment: {},
      environmentName: "production",
      readText: (path) => (path === file ? text : undefined),
    });
    if (stack === undefined) throw new Error(problems.map(({ message }) => message).join("; "));
  };
  for (let times = 0; times < 5; times += 1) run();
  return { name: "Roadstead, in a running process", run };
}

function measure(arm: Arm): void {
  if (arm.error !== undefined) return;
  const began = performance.now();
  try {
    arm.run();
    arm.milliseconds.push(performance.now() - began);
  } catch (error) {
    arm.error = error instanceof Error ? error.message : String(error);
  }
}

function command(program: string, ...args: string[]): void {
  execFileSync(program, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
}
