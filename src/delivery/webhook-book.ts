import { randomBytes } from "node:crypto";
import type { ForgeKind, Proof } from "../forge/port.ts";
import type { Clock } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";
import type { Store } from "../store/port.ts";
import { forgetSourceSecret, putSourceSecret, sourceSecret } from "./source-secrets.ts";
import type { Webhook, WebhookName } from "./webhook.ts";

const hooks = "webhooks";
const seen = "webhook-deliveries";
/** A delivery is remembered for so long. */
const replayWindowMs = 24 * 3600_000;
/** Deliveries remembered for one source; beyond that the oldest are forgotten early. */
const maxSeen = 5_000;
const pruneEveryMs = 10 * 60_000;
const maxHooks = 100;

/** The webhooks of the sources with their secrets, and the deliveries that were taken already. */
export class WebhookBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #maxSeen: number;
  readonly #prunedAt = new Map<string, number>();

  constructor(store: Store, clock: Clock, limit: number = maxSeen) {
    this.#store = store;
    this.#clock = clock;
    this.#maxSeen = limit;
  }

  /** A new secret, or a new hook: whatever had the old secret is refused from now on. */
  save(hook: Omit<Webhook, "createdAt">): { hook: Webhook; secret: string } {
    const secret = randomBytes(32).toString("base64url");
    const made = { ...hook, createdAt: this.#clock.now() };
    this.#store.transaction(() => {
      putSourceSecret(this.#store, hook.source, secretName(hook), secret);
      this.#store.records.put(hooks, keyOf(hook), made);
    });
    return { hook: made, secret };
  }

  remove(name: WebhookName): boolean {
    return this.#store.transaction(() => {
      const known = this.get(name) !== undefined;
      this.#store.records.remove(hooks, keyOf(name));
      forgetSourceSecret(this.#store, name.source, secretName(name));
      return known;
    });
  }

  get(name: WebhookName): Webhook | undefined {
    return this.#store.records.get<Webhook>(hooks, keyOf(name));
  }

  list(source: string): Webhook[] {
    return this.#store.records
      .list<Webhook>(hooks, { prefix: `${source}/`, limit: maxHooks })
      .map(({ value }) => value);
  }

  secret(hook: WebhookName): string | undefined {
    return sourceSecret(this.#store, hook.source, secretName(hook));
  }

  /** Under which marks a delivery is remembered. What a token alone proves may be repeated, unless it names itself. */
  marksOf(hook: WebhookName, proof: Proof, body: Uint8Array): string[] {
    const own = `${hook.kind}/${hook.name}`;
    return [
      ...(proof.deliveryId === undefined ? [] : [sha256(`id ${own} ${proof.deliveryId}`)]),
      ...(proof.signed ? [sha256(`body ${own} ${sha256(body)}`)] : []),
    ].map((mark) => `${hook.source}/${mark}`);
  }

  isKnown(marks: readonly string[]): boolean {
    const since = this.#clock.now() - replayWindowMs;
    return marks.some((mark) => (this.#store.records.get<{ at: number }>(seen, mark)?.at ?? 0) > since);
  }

  remember(source: string, marks: readonly string[]): void {
    for (const mark of marks) this.#store.records.put(seen, mark, { at: this.#clock.now() });
    this.#prune(source);
  }

  #prune(source: string): void {
    const now = this.#clock.now();
    const known = this.#store.records.list<{ at: number }>(seen, {
      prefix: `${source}/`,
      limit: this.#maxSeen * 2,
    });
    const due = now - (this.#prunedAt.get(source) ?? 0) >= pruneEveryMs;
    if (!due && known.length <= this.#maxSeen) return;
    this.#prunedAt.set(source, now);
    const newestFirst = known.sort((a, b) => b.value.at - a.value.at);
    for (const [index, { key, value }] of newestFirst.entries())
      if (index >= this.#maxSeen || value.at <= now - replayWindowMs) this.#store.records.remove(seen, key);
  }
}

function keyOf({ source, kind, name }: WebhookName): string {
  return `${source}/${kind}/${name}`;
}

function secretName({ kind, name }: { kind: ForgeKind; name: string }): string {
  return `webhook/${kind}/${name}`;
}
