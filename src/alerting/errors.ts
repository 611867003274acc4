import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  ALERT_UNKNOWN: "`roadstead alerts` lists the active ones with their ids.",
  ALERT_SILENCE_UNKNOWN: "`roadstead alerts` lists the silences with their ids.",
  ALERT_ONCALL_INVALID: "Every contact names a channel that exists: `roadstead notify`.",
  NOTIFY_CHANNEL_UNKNOWN: "`roadstead notify` lists the channels.",
  NOTIFY_CHANNEL_LIMIT: "Remove one that nobody reads.",
  NOTIFY_CHANNEL_INVALID: "See `roadstead notify --help` for what each kind needs.",
} as const;

export type AlertingErrorCode = keyof typeof hints;

export function alertingError(code: AlertingErrorCode, message: string): PlatformError {
  return new PlatformError(code, message, { hint: hints[code] });
}
