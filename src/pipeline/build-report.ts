/** One instruction of a Dockerfile, as the builder went through it. */
export type BuildStep = { name: string; cached: boolean; seconds?: number };

export type BuildReport = {
  /** In the order in which they began. */
  steps: readonly BuildStep[];
  /** Of those, taken from the cache. */
  cached: number;
};

const maxSteps = 500;

/**
 * Reads BuildKit's plain progress line by line: which instructions were taken from its cache (R-046, R-053) and how
 * long the others took. Other builders' output gives no steps.
 */
export class BuildLines {
  readonly #steps = new Map<string, { name: string; cached: boolean; seconds?: number }>();

  add(line: string): void {
    const [, id = "", text = ""] = /^#(\d+) (.*)$/.exec(line.trim()) ?? [];
    if (id === "") return;
    const step = this.#steps.get(id);
    if (step === undefined) {
      // `[stage 2/5] RUN npm ci`; what is `[internal]` or `exporting` is no instruction.
      const [, place, name] = /^\[((?:\S+ +)?\d+\/\d+)\] (.+)$/.exec(text) ?? [];
      if (place !== undefined && name !== undefined && this.#steps.size < maxSteps)
        this.#steps.set(id, { name: `${place.replaceAll(/ +/g, " ")} ${name}`, cached: false });
      return;
    }
    const [, seconds] = /^DONE (\d+(?:\.\d+)?)s$/.exec(text) ?? [];
    if (text === "CACHED") step.cached = true;
    else if (seconds !== undefined) step.seconds = Number(seconds);
  }

  report(): BuildReport {
    const steps = [...this.#steps.values()].map((step) => ({ ...step }));
    return { steps, cached: steps.filter(({ cached }) => cached).length };
  }
}
