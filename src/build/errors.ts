import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  BUILD_WORKSPACE_FAILED: "Check free space and permissions of the platform's folder.",
  BUILD_IMAGE_UNAVAILABLE: "Check `image` of the job, and that this host can reach the image's registry.",
  BUILD_SERVICE_UNAVAILABLE: "Run the platform with `--runtime docker`, or take the service out of the job.",
} as const;

export type BuildErrorCode = keyof typeof hints;

export function buildError(
  code: BuildErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
