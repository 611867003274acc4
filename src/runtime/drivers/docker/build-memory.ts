const rememberedBuilds = 256;

/**
 * Results of builds by their key (`build-key.ts`): services that share a context are built once, and an unchanged
 * context is not given to the builder again. Lost with the process; then the builder's layer cache answers.
 */
export class BuildMemory {
  readonly #known = new Map<string, Promise<string>>();

  /** The image's id: of the build under way or done, if `isThere` still finds it; otherwise of a new one. */
  async build(
    key: string,
    make: () => Promise<string>,
    isThere: (id: string) => Promise<boolean>,
  ): Promise<string> {
    const known = this.#known.get(key);
    // A failed build says nothing to others: each tries for itself, with a signal of its own.
    const id = await known?.catch(() => undefined);
    if (id !== undefined && (await isThere(id))) return id;
    const current = this.#known.get(key);
    if (current !== undefined && current !== known) return await this.build(key, make, isThere);
    const mine = make();
    this.#remember(key, mine);
    try {
      return await mine;
    } catch (error) {
      if (this.#known.get(key) === mine) this.#known.delete(key);
      throw error;
    }
  }

  /** Builds whatever is known; from then on this is what the key stands for. */
  async renew(key: string, make: () => Promise<string>): Promise<string> {
    const mine = make();
    this.#remember(key, mine);
    return await mine;
  }

  #remember(key: string, id: Promise<string>): void {
    this.#known.delete(key);
    this.#known.set(key, id);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > rememberedBuilds && oldest !== undefined) this.#known.delete(oldest);
  }
}
