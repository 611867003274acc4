import { PlatformError } from "../lib/platform-error.ts";

/** Code -> what the operator can do about it. */
export const engineErrorHints = {
  ENGINE_STACK_UNKNOWN: "`roadstead status` lists what is deployed here.",
  ENGINE_STACK_INVALID: "`roadstead check` shows every problem with its line.",
  ENGINE_SERVICE_UNKNOWN: "`roadstead ps` lists the services of the stack.",
  ENGINE_RELEASE_UNKNOWN: "`roadstead releases` lists what you can go back to.",
  ENGINE_NOTHING_TO_ROLL_BACK: "There is no earlier release of this stack; `roadstead releases` lists them.",
  ENGINE_NOTHING_RUNNING: "`roadstead status` shows whether a deployment is running.",
  ENGINE_NO_CANARY: "Only a deployment with the canary strategy that is being watched can be promoted.",
  ENGINE_SCALE_REFUSED: "A singleton must never run twice; change its strategy if that is not so.",
  ENGINE_ROUTE_TAKEN: "Give one of the two another host or path under x-roadstead.routes.",
  ENGINE_BUILD_VALUES_DIFFER:
    "Deploy there without promotion, which builds it anew; or give a static site its values at run time with x-roadstead.site.config.",
  ENGINE_RUNTIME_SILENT:
    "What the store knows is shown; see whether the runtime (the Docker engine) answers, and how busy the host is.",
  ENGINE_FILE_MISSING: "Create the secret's file or variable and deploy again.",
  ENGINE_NOT_READY: "Fix what the probe says and deploy again; the old release was not touched.",
  ENGINE_REPLICA_DIED: "Its last lines are above; fix the cause and deploy again.",
  ENGINE_JOB_FAILED: "The job's last lines are above; fix it and deploy again.",
  ENGINE_SMOKE_FAILED: "The new release answered wrongly through the edge; the old one serves again.",
  ENGINE_CANARY_FAILED:
    "The new release did worse than allowed on its own traffic; the old one serves again.",
  ENGINE_ABORTED: "Deploy again when you are ready.",
  ENGINE_DOES_NOT_SETTLE: "The same step had to be repeated; `roadstead logs` of that service shows why.",
  ENGINE_RESOURCE_GONE: "The replica was removed while it was being deployed; deploy again.",
} as const;

export type EngineErrorCode = keyof typeof engineErrorHints;

export function engineError(
  code: EngineErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: engineErrorHints[code], ...options });
}
