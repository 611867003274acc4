import type { PlannedStep, Step } from "./step.ts";

/** Collects steps by wave: a wave is as early as what it needs allows, so independent services go side by side. */
export class Waves {
  readonly #steps: PlannedStep[] = [];

  /** Adds a step at `wave` or later and returns the first wave after it. */
  add(wave: number, step: Step): number {
    this.#steps.push({ wave, step });
    return wave + 1;
  }

  /** The first wave after everything added so far. */
  get end(): number {
    return this.#steps.reduce((end, planned) => Math.max(end, planned.wave + 1), 0);
  }

  /** In order of waves, numbered without gaps. */
  steps(): PlannedStep[] {
    const used = [...new Set(this.#steps.map((planned) => planned.wave))].sort((a, b) => a - b);
    return used.flatMap((wave, index) =>
      this.#steps.filter((planned) => planned.wave === wave).map(({ step }) => ({ wave: index, step })),
    );
  }
}
