import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  SCAN_FAILED: "Run the scanner by hand on this host; its own words are above.",
  SCAN_REPORT_UNREADABLE:
    "A scanner of another version may write another form; see the supported one in the docs.",
  SCAN_ARCHIVE_BROKEN:
    "Deploy again; if it stays, the engine writes a form of image archive that is not known here.",
} as const;

export type ScanErrorCode = keyof typeof hints;

export function scanError(
  code: ScanErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
