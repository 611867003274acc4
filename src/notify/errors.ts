import { PlatformError } from "../lib/platform-error.ts";

export type NotifyErrorCode = "NOTIFY_UNAVAILABLE" | "NOTIFY_REFUSED";

/** A message that did not arrive. */
export class NotifyError extends PlatformError {
  /** The receiver asks for so much time before the next try. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: NotifyErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(code, message, options);
    this.name = "NotifyError";
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
