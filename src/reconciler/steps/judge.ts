import type { TargetCounters } from "../../edge/port.ts";
import { formatSeconds } from "../../lib/duration.ts";
import { judgeCanary } from "../../rollout/canary-verdict.ts";
import type { SmokeCheck } from "../../stack/stack.ts";
import { engineError } from "../errors.ts";
import { StepFailure } from "../step-failure.ts";
import { trafficBetween } from "../traffic-between.ts";
import { type Runners, type StepWorld, serviceIn } from "./step-world.ts";

const judgeEveryMs = 500;
/** A canary without a verdict waits for traffic or an operator, but not for ever. */
const inconclusiveLimitMs = 24 * 3_600_000;

/**
 * Watches one stage of a canary: both sides' traffic since the stage began, or since the control plane came back to
 * it. An inconclusive stage keeps its weight until it has enough requests or an operator decides.
 */
export const watchCanary: Runners["watchCanary"] = async (step, world) => {
  const { clock } = world.parts;
  const { canary } = serviceIn(world, step.service);
  if (!canary) return undefined;
  const before = await countersOf(world, step.service);
  const until = world.startedAt + step.forSeconds * 1000;
  let saidInconclusive = false;
  for (;;) {
    const control = world.control();
    if (control === "promote") return { kind: "verdict", verdict: "pass", detail: "promoted by an operator" };
    if (control === "abort") throw engineError("ENGINE_ABORTED", "the canary was aborted by an operator");
    const now = await countersOf(world, step.service);
    const ofCanary = (target: TargetCounters) => target.target.includes(`-${step.revision}-`);
    const fresh = trafficBetween(before.filter(ofCanary), now.filter(ofCanary));
    const stable = trafficBetween(
      before.filter((target) => !ofCanary(target)),
      now.filter((target) => !ofCanary(target)),
    );
    const { verdict, detail } = judgeCanary(canary, fresh, stable, clock.now() >= until);
    if (verdict === "pass") return { kind: "verdict", verdict, detail };
    if (verdict === "fail") {
      throw new StepFailure(
        engineError("ENGINE_CANARY_FAILED", `canary of ${step.service} at ${step.weight} %: ${detail}`),
      );
    }
    if (verdict === "inconclusive") {
      if (!saidInconclusive)
        world.output(`inconclusive: ${detail}; waiting for more traffic, promote or abort`);
      saidInconclusive = true;
      if (clock.now() >= until + inconclusiveLimitMs) {
        throw engineError(
          "ENGINE_CANARY_FAILED",
          `no verdict within ${formatSeconds(inconclusiveLimitMs / 1000)}: ${detail}`,
        );
      }
    }
    await clock.sleep(Math.min(judgeEveryMs, Math.max(20, until - clock.now())), world.signal);
  }
};

/** Counters of all public targets of a service, from the edge. */
async function countersOf(world: StepWorld, service: string): Promise<TargetCounters[]> {
  const { counters } = await world.director.observe(world.signal);
  const prefix = `${world.scope.stack}/${world.scope.environment}/${service}:`;
  return counters.filter((target) => target.backend.startsWith(prefix));
}

/** What an answer to a smoke check has wrong; undefined: it is as written. */
export function smokeWrong(check: SmokeCheck, answer: { status: number; body: string }): string | undefined {
  if (answer.status !== check.status) return `answered ${answer.status}, expected ${check.status}`;
  const missing = check.contains !== undefined && !answer.body.includes(check.contains);
  return missing ? `answered without "${check.contains}"` : undefined;
}

/** Every check must answer as written, through the real edge, on the service's first route. */
export const smoke: Runners["smoke"] = async (step, world) => {
  const service = serviceIn(world, step.service);
  const host = service.routes[0]?.host ?? service.name;
  for (const check of service.smoke) {
    const answer = await world.parts.request(
      check,
      host,
      AbortSignal.any([world.signal, AbortSignal.timeout(10_000)]),
    );
    const asked = `${check.method} http://${host}${check.path}`;
    const wrong = smokeWrong(check, answer);
    if (wrong !== undefined) {
      throw new StepFailure(
        engineError("ENGINE_SMOKE_FAILED", `smoke check of ${service.name} failed: ${asked} ${wrong}`),
        {
          probe: { reason: `${asked} ${wrong}`, body: answer.body.slice(0, 500) },
        },
      );
    }
  }
  return { kind: "smoke", passed: service.smoke.length };
};
