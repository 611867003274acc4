import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  INCIDENT_UNKNOWN: "`roadstead incident` lists them.",
  INCIDENT_NOT_OVER: "Tick what is done: roadstead incident note ID --done ITEM.",
  RECOVERY_BUSY: "One recovery of a stack at a time: `roadstead incident` shows which is at work.",
  RECOVERY_NOT_POSSIBLE: undefined,
  RECOVERY_STEP_FAILED: undefined,
  DRILL_UNKNOWN: "`roadstead drill history` lists them.",
} as const;

export type RecoveryErrorCode = keyof typeof hints;

export function recoveryError(code: RecoveryErrorCode, message: string, hint?: string): PlatformError {
  const told = hint ?? hints[code];
  return new PlatformError(code, message, told === undefined ? {} : { hint: told });
}
