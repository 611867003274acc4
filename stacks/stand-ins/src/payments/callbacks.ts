import { createHmac } from "node:crypto";
import { Bounded } from "../shared/bounded.ts";
import type { PaymentsSettings } from "./settings.ts";

export type Callback = {
  n: number;
  at: string;
  url: string;
  body: string;
  headers: Record<string, string>;
  tries: { at: string; status: number | null }[];
};

const accepted = 202;
const patienceMs = 10_000;

/** Sends signed callbacks, and again until the shop answers 202. */
export class Callbacks {
  readonly #settings: PaymentsSettings;
  readonly #sent = new Bounded<Callback>(500);
  readonly #waiting = new Set<NodeJS.Timeout>();
  #count = 0;

  constructor(settings: PaymentsSettings) {
    this.#settings = settings;
  }

  get all(): readonly Callback[] {
    return this.#sent.all;
  }

  async send(
    url: string,
    payload: unknown,
    how: { badSignature: boolean; timestamp?: number },
  ): Promise<Callback> {
    const body = JSON.stringify(payload);
    const timestamp = String(how.timestamp ?? Math.floor(Date.now() / 1_000));
    const secret = how.badSignature ? "not the secret" : this.#settings.webhookSecret;
    const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
    this.#count += 1;
    const callback: Callback = {
      n: this.#count,
      at: new Date().toISOString(),
      url,
      body,
      headers: { "X-Shkeeper-Timestamp": timestamp, "X-Shkeeper-Signature": signature },
      tries: [],
    };
    this.#sent.push(callback);
    if ((await this.#try(callback)) !== accepted) this.#retryLater(callback);
    return callback;
  }

  /** The same bytes once more, as someone who has listened would send them. */
  async replay(n: number): Promise<number | null | undefined> {
    const callback = this.#sent.all.find((one) => one.n === n);
    return callback && this.#try(callback);
  }

  reset(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
    this.#sent.clear();
    this.#count = 0;
  }

  async #try(callback: Callback): Promise<number | null> {
    const headers = {
      ...callback.headers,
      "content-type": "application/json",
      "X-Shkeeper-Api-Key": this.#settings.apiKey,
    };
    const request = { method: "POST", headers, body: callback.body, signal: AbortSignal.timeout(patienceMs) };
    const response = await fetch(callback.url, request).catch(() => undefined);
    await response?.body?.cancel();
    const status = response?.status ?? null;
    callback.tries.push({ at: new Date().toISOString(), status });
    return status;
  }

  #retryLater(callback: Callback): void {
    if (callback.tries.length >= this.#settings.maxTries) return;
    const timer = setTimeout(async () => {
      this.#waiting.delete(timer);
      if ((await this.#try(callback)) !== accepted) this.#retryLater(callback);
    }, this.#settings.retryMs);
    this.#waiting.add(timer.unref());
  }
}
