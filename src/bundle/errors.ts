import { PlatformError } from "../lib/platform-error.ts";

export type BundleErrorCode = "BUNDLE_FILE_UNREADABLE" | "BUNDLE_NO_COMPOSE_FILE";

export function bundleError(
  code: BundleErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, options);
}
