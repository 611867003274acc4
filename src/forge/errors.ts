import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  FORGE_SIGNATURE_MISSING:
    "Give the webhook of the forge the secret that `roadstead source NAME --webhook` printed.",
  FORGE_SIGNATURE_INVALID:
    "The forge has another secret; make a new one with `roadstead source NAME --webhook`.",
  FORGE_TOKEN_IN_URL: "Send it as `authorization: Bearer …`: addresses end up in logs.",
  FORGE_BODY_INVALID: "Choose the content type application/json for the webhook.",
  FORGE_UNREACHABLE: "Check the address of the forge's API and the network.",
  FORGE_REFUSED: "Check the repository's name, and that the token may write commit statuses.",
} as const;

export type ForgeErrorCode = keyof typeof hints;

export function forgeError(
  code: ForgeErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
