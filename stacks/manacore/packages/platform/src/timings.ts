/** Stages of one request for the `Server-Timing` header. */
export class Timings {
  readonly #stages: { name: string; ms: number }[] = [];

  async measure<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work();
    } finally {
      this.#stages.push({ name, ms: performance.now() - began });
    }
  }

  get header(): string {
    return this.#stages.map(({ name, ms }) => `${name};dur=${ms.toFixed(2)}`).join(", ");
  }
}
