import { PlatformError } from "../lib/platform-error.ts";

/** Code -> what the operator can do about it. */
export const telemetryErrorHints = {
  TELEMETRY_QUERY: "Ask for a shorter time, a longer step, or fewer series.",
  TELEMETRY_NEWER_SCHEMA: "Start the newer Roadstead again, or move telemetry.db away: a new one is made.",
  TELEMETRY_UNAVAILABLE: "Check that the folder is writable by this user and that the disk is not full.",
} as const;

export type TelemetryErrorCode = keyof typeof telemetryErrorHints;

/** A telemetry failure with its code's standing hint. */
export function telemetryError(code: TelemetryErrorCode, message: string, cause?: unknown): PlatformError {
  return new PlatformError(code, message, {
    hint: telemetryErrorHints[code],
    ...(cause === undefined ? {} : { cause }),
  });
}
