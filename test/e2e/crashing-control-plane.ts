/**
 * The real control plane, which dies by kill -9 once in every deployment: in the first right after its first step
 * entry, in the second after its second, and so on. CRASH_PLAN names the file in which it remembers that.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { startControlPlane } from "../../bin/control-plane.ts";

type CrashPlan = { deployments: Record<string, { after: number; crashed: boolean }>; next: number };

const file = process.env["CRASH_PLAN"] ?? "";
const entries = new Map<string, number>();

function readPlan(): CrashPlan {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as CrashPlan;
  } catch {
    // The first entry of the first deployment: nothing is planned yet.
    return { deployments: {}, next: 1 };
  }
}

await startControlPlane(process.argv.slice(2), (entry) => {
  if (entry.event === "output") return;
  const count = (entries.get(entry.deployment) ?? 0) + 1;
  entries.set(entry.deployment, count);
  const plan = readPlan();
  const mine = plan.deployments[entry.deployment] ?? { after: plan.next++, crashed: false };
  if (mine.crashed) return;
  const crashes = count === mine.after;
  plan.deployments[entry.deployment] = { ...mine, crashed: crashes };
  writeFileSync(file, JSON.stringify(plan));
  if (crashes) process.kill(process.pid, "SIGKILL");
});
