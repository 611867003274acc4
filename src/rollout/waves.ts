import { type PlannedStep, type Step, stepKey } from "./step.ts";

/** Collects steps by wave: a wave is as early as what it needs allows, so independent services go side by side. */
export class Waves {
  readonly #steps: PlannedStep[] = [];

  #end = 0;

  /** Adds a step at `wave` or later and returns the first wave after it. */
  add(wave: number, step: Step): number {
    this.#steps.push({ wave, step });
    this.#end = Math.max(this.#end, wave + 1);
    return wave + 1;
  }

  /** Whether the plan has this step already. */
  has(step: Step): boolean {
    const key = stepKey(step);
    return this.#steps.some((planned) => stepKey(planned.step) === key);
  }

  /** The first wave after everything added so far. */
  get end(): number {
    return this.#end;
  }

  /** In order of waves, numbered without gaps; within a wave in the order in which they were added. */
  steps(): PlannedStep[] {
    const used = [...new Set(this.#steps.map((planned) => planned.wave))].sort((a, b) => a - b);
    const position = new Map(used.map((wave, index) => [wave, index]));
    return this.#steps
      .map(({ wave, step }) => ({ wave: position.get(wave) ?? 0, step }))
      .sort((a, b) => a.wave - b.wave);
  }
}
