/** A list that forgets its oldest entries. */
export class Bounded<T> {
  readonly #limit: number;
  #items: T[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.#items.length > this.#limit) this.#items.shift();
  }

  clear(): void {
    this.#items = [];
  }

  get all(): readonly T[] {
    return this.#items;
  }
}

/** Entries that live for a while, at most so many: codes and tokens. */
export class Expiring<T> {
  readonly #lifetimeMs: number;
  readonly #limit: number;
  readonly #entries = new Map<string, { value: T; until: number }>();

  constructor(lifetimeMs: number, limit = 10_000) {
    this.#lifetimeMs = lifetimeMs;
    this.#limit = limit;
  }

  set(key: string, value: T): void {
    this.#entries.set(key, { value, until: Date.now() + this.#lifetimeMs });
    if (this.#entries.size <= this.#limit) return;
    const oldest = this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > Date.now() ? entry.value : undefined;
  }

  /** Gives the entry once. */
  take(key: string): T | undefined {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  clear(): void {
    this.#entries.clear();
  }
}
