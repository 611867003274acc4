import { createHash } from "node:crypto";
import type { Answer } from "../shared/answer.ts";
import type { Faults } from "../shared/faults.ts";
import type { DiscordFaults } from "./discord-faults.ts";

type Window = { used: number; endsAt: number };
const mostWindows = 10_000;

/** Fixed windows per route and major parameter, told in Discord's headers. */
export class RateLimits {
  readonly #windows = new Map<string, Window>();
  readonly #faults: Faults<DiscordFaults>;

  constructor(faults: Faults<DiscordFaults>) {
    this.#faults = faults;
  }

  /** Headers for the answer, or the 429 instead of it. */
  take(route: string, major: string): { headers: Record<string, string>; refused?: Answer } {
    const isMessage = route === "POST /channels/:channel/messages";
    const [limit, windowMs] = isMessage ? [5, 5_000] : [50, 1_000];
    const window = this.#window(`${route} ${major}`, windowMs);
    const bucket = createHash("sha256").update(route).digest("hex").slice(0, 32);
    const fault = this.#faults.now.rateLimit;
    if (fault.times > 0) {
      this.#faults.change({ rateLimit: { ...fault, times: fault.times - 1 } });
      return { headers: {}, refused: refusal(bucket, limit, fault.retryAfter, fault.global === true) };
    }
    const resetAfter = Math.max(0.001, (window.endsAt - Date.now()) / 1_000);
    if (window.used >= limit) return { headers: {}, refused: refusal(bucket, limit, resetAfter, false) };
    window.used += 1;
    return { headers: headersFor(bucket, limit, limit - window.used, resetAfter) };
  }

  reset(): void {
    this.#windows.clear();
  }

  #window(key: string, windowMs: number): Window {
    const known = this.#windows.get(key);
    if (known && known.endsAt > Date.now()) return known;
    if (this.#windows.size > mostWindows) this.#windows.clear();
    const window = { used: 0, endsAt: Date.now() + windowMs };
    this.#windows.set(key, window);
    return window;
  }
}

function headersFor(
  bucket: string,
  limit: number,
  remaining: number,
  resetAfter: number,
): Record<string, string> {
  return {
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": (Date.now() / 1_000 + resetAfter).toFixed(3),
    "x-ratelimit-reset-after": resetAfter.toFixed(3),
    "x-ratelimit-bucket": bucket,
  };
}

function refusal(bucket: string, limit: number, retryAfter: number, isGlobal: boolean): Answer {
  return {
    status: 429,
    body: { message: "You are being rate limited.", retry_after: retryAfter, global: isGlobal },
    headers: {
      ...headersFor(bucket, limit, 0, retryAfter),
      "retry-after": String(Math.ceil(retryAfter)),
      "x-ratelimit-scope": isGlobal ? "global" : "user",
      ...(isGlobal ? { "x-ratelimit-global": "true" } : {}),
    },
  };
}
