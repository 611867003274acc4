import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  FENCED:
    "Another host has taken over from here. If it is gone for good: `roadstead down --platform`, then `roadstead up --take-back REASON`.",
  RECOVER_NOT_EMPTY: "Recover onto an empty host, or give another --home.",
  RECOVER_NO_STATE:
    "`roadstead recover save` on the running host puts its state there. Check --from and the key.",
  RECOVER_SEVERAL: "Say which with --installation.",
  RECOVER_DAMAGED: "Give an older one with --snapshot; the list shows them.",
  RECOVER_NO_COPY:
    "Set up a repository while the host lives: `roadstead backup repository add NAME PATH-OR-S3-URL`.",
  RECOVER_STEP_FAILED: "The reason stands there; after mending it run the same `roadstead recover` again.",
  RECOVER_NOT_RUNNING: "`roadstead recover --from REPOSITORY --key-file FILE` begins one.",
} as const;

export type ServerLossErrorCode = keyof typeof hints;

export function serverLossError(
  code: ServerLossErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
