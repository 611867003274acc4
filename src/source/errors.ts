import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  SOURCE_NAME_INVALID: "Use letters, digits, `_`, `.` and `-`, starting with a letter or digit.",
  SOURCE_UNKNOWN: "Push to it once, or name its URL; `roadstead pipeline` lists what was delivered.",
  SOURCE_COMMIT_UNKNOWN: "Push the commit first.",
  SOURCE_FETCH_FAILED: "Check the URL, the branch and the deploy key.",
  SOURCE_GIT_FAILED: "Is git installed, and is there space on the disk?",
} as const;

export type SourceErrorCode = keyof typeof hints;

export function sourceError(
  code: SourceErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
