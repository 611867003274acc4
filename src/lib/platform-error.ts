/**
 * The one exception type of the shell (engine, drivers, surfaces). `message` is safe to show an operator and
 * never holds a secret; `hint` says what to do next; the technical detail stays in `cause`.
 */
export class PlatformError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PlatformError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** Narrows an unknown caught value to a platform error with the given code. */
export function hasCode(error: unknown, code: string): error is PlatformError {
  return error instanceof PlatformError && error.code === code;
}

/** The text of any thrown value, for logs and `cause` chains. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
