import { messageOf } from "../../lib/platform-error.ts";
import type { ProbeOutcome, Prober, ProbeTarget } from "../port.ts";
import { asks } from "./network/ask.ts";

const longestReason = 200;

/** Real servers, by their own protocols. */
export class NetworkProber implements Prober {
  readonly name = "network";
  readonly #ca: string | undefined;

  /** `ca`: a private authority in PEM, instead of the well-known ones. */
  constructor(options: { ca?: string } = {}) {
    this.#ca = options.ca;
  }

  async probe(target: ProbeTarget, timeoutMs: number, signal: AbortSignal): Promise<ProbeOutcome> {
    signal.throwIfAborted();
    const startedAt = performance.now();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const took = () => performance.now() - startedAt;
    try {
      const found = await asks[target.kind]({ target, ca: this.#ca, timeoutMs }, limit);
      return { ok: found.reason === undefined, ms: took(), ...found };
    } catch (error) {
      signal.throwIfAborted();
      const ms = took();
      const late = limit.aborted || ms >= timeoutMs;
      return { ok: false, ms, reason: late ? `no answer within ${timeoutMs} ms` : reasonOf(error, target) };
    }
  }
}

function reasonOf(error: unknown, { kind, password }: ProbeTarget): string {
  // Several addresses of one name were tried: the first says enough.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const text = messageOf(first).replace(/\s+/g, " ").trim();
  const told = /^(WRONGPASS|NOAUTH)|invalid password|password authentication failed/i.test(text)
    ? `auth failed (${text})`
    : text;
  const whole = told === "" ? `${kind} failed` : told;
  const masked = password === undefined || password === "" ? whole : whole.replaceAll(password, "***");
  return masked.slice(0, longestReason);
}
