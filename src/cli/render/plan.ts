import type { Plan, PlannedStep, Step } from "../../rollout/step.ts";
import { stepWords } from "../../rollout/step-words.ts";
import type { Style } from "./style.ts";

/** The steps in words, wave by wave, after what the operator must know beforehand. */
export function renderPlan(plan: Plan, style: Style): string {
  const notes = plan.notes.map((note) => {
    const mark = note.severity === "warning" ? style.warn("!") : style.accent("i");
    const service = note.service === undefined ? "" : `${note.service}: `;
    return `${mark} ${service}${note.message}\n`;
  });
  if (plan.steps.length === 0) return `${notes.join("")}Nothing to do: everything runs as the files say.\n`;
  const waves = byWave(plan.steps);
  const body = waves.map((steps, index) => {
    const title = style.bold(`${String(index + 1).padStart(2)}. ${phaseOf(steps)}`);
    const together = steps.length > 1 ? style.dim("  side by side") : "";
    return `${title}${together}\n${steps.map((step) => `      ${stepWords(step)}\n`).join("")}`;
  });
  const count = `${plan.steps.length} step${plan.steps.length === 1 ? "" : "s"} in ${waves.length} wave${waves.length === 1 ? "" : "s"}`;
  return `${notes.join("")}${notes.length > 0 ? "\n" : ""}${body.join("")}\n${style.dim(count)}\n`;
}

function byWave(steps: readonly PlannedStep[]): Step[][] {
  const waves = new Map<number, Step[]>();
  for (const { wave, step } of steps) waves.set(wave, [...(waves.get(wave) ?? []), step]);
  return [...waves.entries()].sort(([a], [b]) => a - b).map(([, list]) => list);
}

const phases: Readonly<Record<Step["kind"], string>> = {
  ensureImage: "Prepare",
  ensureResources: "Prepare",
  runJob: "Run jobs",
  startReplica: "Start beside",
  waitReady: "Prove",
  hold: "Hold",
  route: "Shift",
  cutOver: "Cut over",
  watchCanary: "Watch",
  smoke: "Check",
  markCurrent: "Make current",
  drain: "Drain",
  stopReplica: "Retire",
  removeReplica: "Retire",
  removeResources: "Clean up",
};

function phaseOf(steps: readonly Step[]): string {
  const names = new Set(steps.map((step) => phases[step.kind]));
  return [...names].join(" and ");
}
