import { PlatformError } from "../lib/platform-error.ts";
import type { Step } from "../rollout/step.ts";
import type { DeploymentFailure } from "../store/port.ts";

/** A step failed with something worth showing beside the message: the probe's answer, the dead replica's last lines. */
export class StepFailure extends Error {
  readonly failure: DeploymentFailure;

  constructor(error: PlatformError, detail: Omit<DeploymentFailure, "code" | "message" | "hint"> = {}) {
    super(error.message, { cause: error });
    this.name = "StepFailure";
    this.failure = {
      code: error.code,
      message: error.message,
      ...(error.hint ? { hint: error.hint } : {}),
      ...detail,
    };
  }
}

/** Any thrown value as a failure of that step. */
export function failureOf(error: unknown, step: Step): DeploymentFailure {
  const service = "service" in step ? { service: step.service } : {};
  if (error instanceof StepFailure) return { ...service, ...error.failure, step };
  if (error instanceof PlatformError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.hint ? { hint: error.hint } : {}),
      step,
      ...service,
    };
  }
  return {
    code: "ENGINE_UNEXPECTED",
    message: error instanceof Error ? error.message : String(error),
    hint: "This is a defect of Roadstead; the control plane's log has the details.",
    step,
    ...service,
  };
}
