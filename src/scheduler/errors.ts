import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  UPDATE_NOT_WAITING: "`roadstead outdated` shows what is newer and what it waits for.",
  UPDATE_APPROVAL_REFUSED: "x-roadstead.pipeline.approval of the stack says who may decide.",
} as const;

export function updateError(code: keyof typeof hints, message: string): PlatformError {
  return new PlatformError(code, message, { hint: hints[code] });
}
