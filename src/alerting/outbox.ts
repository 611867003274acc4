import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/platform-error.ts";
import { NotifyError } from "../notify/errors.ts";
import { clip } from "../notify/message-text.ts";
import type { Message, MessageItem, Notifiers } from "../notify/port.ts";
import { groupWaitMs, retryAt } from "../policy/alert-routing.ts";
import { rankOf } from "../policy/alert-rule.ts";
import type { Store } from "../store/port.ts";
import type { ChannelBook } from "./channel-book.ts";

/** One message for one channel, from being written down to being delivered or given up. */
type Entry = {
  channel: string;
  item: MessageItem;
  /** What may be told together: the same stack, the same state. */
  group: string;
  state: "pending" | "sent" | "given up";
  createdAt: number;
  nextAt: number;
  attempts: number;
};

const collection = "notify-outbox";
const sendLimitMs = 30_000;
/** Of one channel; beyond that the oldest are given up. */
const maxPending = 300;
/** Delivered entries are remembered this long, so that nothing is told twice. */
const rememberMs = 3 * 24 * 3600_000;
const maxRemembered = 5000;
const pruneEveryMs = 3600_000;
const maxTogether = 40;

export type OutboxParts = {
  store: Store;
  channels: ChannelBook;
  notifiers: Notifiers;
  clock: Clock;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};

/**
 * What is to be told survives a crash and is tried again until it is delivered or a day old. The same item goes to the
 * same channel once, however often it is put in. A slow channel holds up no other.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #pending = new Map<string, Entry>();
  readonly #working = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> | undefined;
  #prunedAt = 0;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    for (const { key, value } of parts.store.records.list<Entry>(collection, { limit: maxRemembered * 2 }))
      if (value.state === "pending") this.#pending.set(key, value);
  }

  /** Durable when it returns; part of the caller's transaction where there is one. */
  put(channel: string, item: MessageItem): void {
    const key = `${channel}/${item.id}`;
    if (this.#pending.has(key) || this.#parts.store.records.get(collection, key) !== undefined) return;
    const now = this.#parts.clock.now();
    const group = `${item.scope ?? "host"} ${item.state}`;
    const wait = item.state === "firing" ? groupWaitMs(item.severity) : 0;
    const entry: Entry = {
      channel,
      item,
      group,
      state: "pending",
      createdAt: now,
      nextAt: now + wait,
      attempts: 0,
    };
    this.#save(key, entry);
    this.#bound(channel);
    this.#wake.abort();
  }

  pending(): number {
    return this.#pending.size;
  }

  /** Nothing more goes to a channel that is gone. */
  forget(channel: string): void {
    for (const [key, entry] of this.#pending)
      if (entry.channel === channel) this.#save(key, { ...entry, state: "given up" });
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
    await Promise.all(this.#working.values());
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      this.#pump();
      const waiting = [...this.#pending.values()].filter(({ channel }) => !this.#working.has(channel));
      const next = Math.min(...waiting.map(({ nextAt }) => nextAt), clock.now() + pruneEveryMs);
      const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      await clock.sleep(Math.max(10, next - clock.now()), signal).catch(() => undefined);
    }
  }

  #pump(): void {
    const now = this.#parts.clock.now();
    for (const [first, { channel, nextAt }] of this.#pending) {
      if (nextAt > now || this.#working.has(channel)) continue;
      const work = this.#deliver(channel, first)
        .catch((error: unknown) => this.#parts.log("error", `notify: ${messageOf(error)}`))
        .finally(() => {
          this.#working.delete(channel);
          this.#wake.abort();
        });
      this.#working.set(channel, work);
    }
    this.#prune(now);
  }

  async #deliver(channel: string, first: string): Promise<void> {
    const { channels, notifiers, clock, log } = this.#parts;
    const group = this.#pending.get(first)?.group;
    const together = [...this.#pending]
      .filter(([, entry]) => entry.channel === channel && entry.group === group)
      .slice(0, maxTogether);
    const target = channels.target(channel);
    const notifier = target && notifiers[target.kind];
    if (!target || !notifier) {
      for (const [key, entry] of together) this.#save(key, { ...entry, state: "given up" });
      return;
    }
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(sendLimitMs)]);
      await notifier.send(target, messageFor(together.map(([, { item }]) => item)), signal);
      for (const [key, entry] of together) this.#save(key, { ...entry, state: "sent", nextAt: clock.now() });
      channels.mark(channel, { lastSentAt: clock.now() });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const now = clock.now();
      const message = clip(messageOf(error), 300);
      log("warn", `notify: ${channel}: ${message}`);
      channels.mark(channel, { lastError: { at: now, message } });
      for (const [key, entry] of together) this.#again(key, entry, error, now);
    }
  }

  #again(key: string, entry: Entry, error: unknown, now: number): void {
    const attempts = entry.attempts + 1;
    const isFinal = error instanceof NotifyError && error.code === "NOTIFY_REFUSED" && attempts >= 3;
    const wait = error instanceof NotifyError ? error.retryAfterSeconds : undefined;
    const nextAt = isFinal ? undefined : retryAt({ attempts, createdAt: entry.createdAt }, now, wait);
    if (nextAt === undefined)
      this.#parts.log("warn", `notify: ${entry.channel}: given up: ${entry.item.text}`);
    this.#save(key, { ...entry, attempts, ...(nextAt === undefined ? { state: "given up" } : { nextAt }) });
  }

  #bound(channel: string): void {
    const mine = [...this.#pending].filter(([, entry]) => entry.channel === channel);
    for (const [key, entry] of mine.slice(0, Math.max(0, mine.length - maxPending)))
      this.#save(key, { ...entry, state: "given up" });
  }

  #save(key: string, entry: Entry): void {
    this.#parts.store.records.put(collection, key, entry);
    if (entry.state === "pending") this.#pending.set(key, entry);
    else this.#pending.delete(key);
  }

  #prune(now: number): void {
    if (now - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = now;
    const { records } = this.#parts.store;
    const known = records.list<Entry>(collection, { limit: maxRemembered * 2 });
    const over = known
      .filter(({ value }) => value.state !== "pending")
      .sort((a, b) => b.value.createdAt - a.value.createdAt);
    for (const [index, { key, value }] of over.entries())
      if (index >= maxRemembered || value.createdAt < now - rememberMs) records.remove(collection, key);
  }
}

/** One message of all that is told together. */
export function messageFor(items: readonly MessageItem[]): Message {
  const [first] = items;
  if (!first) throw new Error("a message needs an item");
  const severity = items.map((item) => item.severity).sort((a, b) => rankOf(b) - rankOf(a))[0] ?? "info";
  const scope = first.scope ?? "host";
  const title = items.length === 1 ? `${first.subject}: ${first.text}` : `${scope}: ${items.length} alerts`;
  const id = items.length === 1 ? first.id : `${first.id}+${items.length - 1}`;
  return { id, state: first.state, severity, title: clip(title, 200), items, at: first.at };
}
