import { PlatformError } from "../lib/platform-error.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Step } from "../rollout/step.ts";
import type { DeploymentFailure } from "../store/port.ts";
import type { EngineParts } from "./parts.ts";

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

type Mask = (text: string) => string;

/** What is written down about a stack goes through this: programs print their secrets, also when they fail. */
export function maskOf({ mask }: Pick<EngineParts, "mask">, scope: Scope): Mask {
  return (text) => (mask ? mask(scope, text) : text);
}

/** Any thrown value as a failure of that step, without the stack's secrets. */
export function failureOf(error: unknown, step: Step, mask: Mask): DeploymentFailure {
  const failure = plainFailureOf(error, step);
  const { message, lastLines, probe } = failure;
  return {
    ...failure,
    message: mask(message),
    ...(lastLines ? { lastLines: lastLines.map(mask) } : {}),
    ...(probe
      ? {
          probe: {
            reason: mask(probe.reason),
            ...(probe.body === undefined ? {} : { body: mask(probe.body) }),
          },
        }
      : {}),
  };
}

function plainFailureOf(error: unknown, step: Step): DeploymentFailure {
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
