/** Clients beyond this many are forgotten, oldest first: 50,000 entries are about 8 MB. */
const maxClients = 50_000;

type Bucket = { tokens: number; at: number };

/** Token bucket per client address. Times are milliseconds of one monotonic clock. */
export class RateLimiter {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #limit: number;
  #buckets = new Map<string, Bucket>();

  constructor(rule: { requestsPerSecond: number; burst: number }, limit = maxClients) {
    this.#perMs = rule.requestsPerSecond / 1000;
    this.#burst = rule.burst;
    this.#limit = limit;
  }

  /** 0 when the request may pass, else whole seconds until the next one may (for Retry-After). */
  take(client: string, now: number): number {
    const bucket = this.#bucket(client, now);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perMs / 1000));
  }

  /** Takes off what another worker let through for this client. */
  spend(client: string, count: number, now: number): void {
    const bucket = this.#bucket(client, now);
    bucket.tokens = Math.max(bucket.tokens - count, -this.#burst);
  }

  get size(): number {
    return this.#buckets.size;
  }

  #bucket(client: string, now: number): Bucket {
    const known = this.#buckets.get(client);
    if (known !== undefined) {
      known.tokens = Math.min(this.#burst, known.tokens + (now - known.at) * this.#perMs);
      known.at = now;
      return known;
    }
    if (this.#buckets.size >= this.#limit) {
      const oldest = this.#buckets.keys().next().value;
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    const fresh = { tokens: this.#burst, at: now };
    this.#buckets.set(client, fresh);
    return fresh;
  }
}
