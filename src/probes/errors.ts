import { PlatformError } from "../lib/platform-error.ts";

export type ProbeErrorCode = "PROBE_REFUSED" | "PROBE_FAILED";

/** REFUSED: the server is there and does not let us in. FAILED: everything else. */
export function probeError(
  code: ProbeErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
) {
  return new PlatformError(code, message, options);
}
