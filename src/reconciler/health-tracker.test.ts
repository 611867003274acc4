import { describe, expect, it } from "vitest";
import type { ReplicaId } from "../rollout/ids.ts";
import type { ProbeResult } from "../runtime/port.ts";
import type { Probe } from "../stack/stack.ts";
import { HealthTracker } from "./health-tracker.ts";

const id = "shop-production-web-1" as ReplicaId;
const probe: Probe = {
  kind: "tcp",
  port: 80,
  intervalSeconds: 5,
  timeoutSeconds: 0.01,
  retries: 3,
  startPeriodSeconds: 0,
};

/** A host so busy that the look at the replica itself outlasts the probe's limit. */
const neverAnswers = (_id: ReplicaId, _probe: Probe, signal: AbortSignal) =>
  new Promise<ProbeResult>((_resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });

function trackerWith(answer: typeof neverAnswers): HealthTracker {
  return new HealthTracker({ runtime: { probe: answer }, clock: { now: () => 0 } });
}

describe("a probe that outlasts its limit", () => {
  it("is a failed probe with a reason, not an error that ends the deployment", async () => {
    const result = await trackerWith(neverAnswers).probeNow(id, probe, new AbortController().signal);
    expect(result).toEqual({ ok: false, reason: "the probe did not end within 0.01 s" });
  });

  it("is left alone when the caller itself gives up", async () => {
    const reason = new Error("the operator aborted");
    await expect(trackerWith(neverAnswers).probeNow(id, probe, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
  });

  it("keeps an error of the runtime an error", async () => {
    const broken = trackerWith(() => Promise.reject(new Error("the engine is away")));
    await expect(broken.probeNow(id, probe, new AbortController().signal)).rejects.toThrow("away");
  });
});
