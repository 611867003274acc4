import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  SECRET_UNKNOWN: "`roadstead secrets list` shows what is set and where it comes from.",
  SECRET_REFERENCE_INVALID: "Write vault:<mount>/<path>#<key> or command:<name>.",
  SECRET_TOO_LARGE: "A secret may have 64 KiB.",
  SECRETS_UNAVAILABLE: "What runs goes on. Deploy again when the provider answers.",
  SECRETS_DENIED: "The provider refuses the control plane's own credentials; see <home>/secrets.json.",
  SECRETS_NOT_CONFIGURED: "The operator names providers and commands in <home>/secrets.json.",
} as const;

export type SecretsErrorCode = keyof typeof hints;

/** A refusal of a provider. Never holds a value. */
export function secretsError(
  code: SecretsErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
