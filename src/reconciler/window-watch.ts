import type { TargetCounters } from "../edge/port.ts";
import { judgeCanary } from "../rollout/canary-verdict.ts";
import type { CanaryPolicy } from "../stack/stack.ts";
import { trafficBetween } from "./traffic-between.ts";

/** A burst is judged on the last minute of traffic. */
const spanMs = 60_000;
const maxReadings = 64;

type Reading = { at: number; counters: readonly TargetCounters[] };

/**
 * Watches a new release through its rollback window with the thresholds that its canary had: the verdict on
 * the last minute of its own traffic. In memory only; after a restart of the control plane it watches from then on.
 */
export class WindowWatch {
  #release = "";
  #readings: Reading[] = [];

  /** The reason to go back, or undefined. */
  judge(release: string, policies: Readonly<Record<string, CanaryPolicy>>, now: Reading): string | undefined {
    if (release !== this.#release) {
      this.#release = release;
      this.#readings = [];
    }
    this.#readings = [...this.#readings.filter((reading) => reading.at >= now.at - spanMs), now].slice(
      -maxReadings,
    );
    const [oldest] = this.#readings;
    if (!oldest || oldest === now) return undefined;
    for (const [backend, policy] of Object.entries(policies)) {
      const mine = (reading: Reading) =>
        reading.counters.filter((target) => target.backend.startsWith(backend));
      const recent = trafficBetween(mine(oldest), mine(now));
      const { verdict, detail } = judgeCanary(policy, recent, { requests: 0, errors: 0 }, false);
      if (verdict === "fail") return detail;
    }
    return undefined;
  }
}
