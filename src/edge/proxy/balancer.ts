/** What the balancer needs of a target; `ejectedUntil` and `now` are on one monotonic clock, in milliseconds. */
export type Balanced = { readonly id: string; weight: number; ejectedUntil: number };

/**
 * Smooth weighted round robin (the nginx algorithm): after `sum of weights` picks every target was chosen exactly
 * `weight` times, evenly spread. State survives `update`, so frequent weight changes do not favour anyone.
 */
export class Balancer<T extends Balanced> {
  #targets: readonly T[] = [];
  #credit = new Map<string, number>();

  update(targets: readonly T[]): void {
    const credit = new Map<string, number>();
    for (const target of targets) credit.set(target.id, this.#credit.get(target.id) ?? 0);
    this.#targets = targets;
    this.#credit = credit;
  }

  get targets(): readonly T[] {
    return this.#targets;
  }

  /**
   * The next target with weight that is not ejected and not in `tried`; when all of those are ejected, an ejected
   * one: a refused connection is a better answer than none was tried.
   */
  pick(now: number, tried?: ReadonlySet<string>): T | undefined {
    const only = this.#targets.length === 1 ? this.#targets[0] : undefined;
    if (only !== undefined) return only.weight > 0 && !tried?.has(only.id) ? only : undefined;
    return this.#choose(tried, now) ?? this.#choose(tried, Number.POSITIVE_INFINITY);
  }

  /** A target for a client that is bound to it: weight 0 still serves its own clients. */
  bound(id: string, now: number): T | undefined {
    const target = this.#targets.find((candidate) => candidate.id === id);
    return target !== undefined && target.ejectedUntil <= now ? target : undefined;
  }

  #choose(tried: ReadonlySet<string> | undefined, now: number): T | undefined {
    let best: T | undefined;
    let bestCredit = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (const target of this.#targets) {
      if (target.weight <= 0 || target.ejectedUntil > now || tried?.has(target.id)) continue;
      const credit = (this.#credit.get(target.id) ?? 0) + target.weight;
      this.#credit.set(target.id, credit);
      total += target.weight;
      if (credit > bestCredit) {
        best = target;
        bestCredit = credit;
      }
    }
    if (best !== undefined) this.#credit.set(best.id, bestCredit - total);
    return best;
  }
}
