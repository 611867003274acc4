import { PlatformError } from "../lib/platform-error.ts";

/** Code -> what the operator can do about it. */
export const logErrorHints = {
  LOGS_CURSOR_INVALID: "Take `next` or a line's `id` out of an earlier answer, unchanged.",
  LOGS_UNAVAILABLE: "Check that <home>/logs exists, is writable by this user and that the disk is not full.",
} as const;

export type LogErrorCode = keyof typeof logErrorHints;

/** A failure of the log store with its code's standing hint. */
export function logError(code: LogErrorCode, message: string, cause?: unknown): PlatformError {
  return new PlatformError(code, message, {
    hint: logErrorHints[code],
    ...(cause === undefined ? {} : { cause }),
  });
}
