import { PlatformError } from "../lib/platform-error.ts";
import type { ExitCode } from "./exit-code.ts";

/** A refusal of the CLI itself, with the exit code that it ends in. */
export class CliError extends PlatformError {
  readonly exitCode: ExitCode;

  constructor(
    code: string,
    message: string,
    options: { exitCode: ExitCode; hint?: string; cause?: unknown } = { exitCode: 1 },
  ) {
    super(code, message, options);
    this.name = "CliError";
    this.exitCode = options.exitCode;
  }
}

/** The command line can't be carried out as written. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError("CLI_USAGE", message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) });
}

/** Something that was named does not exist. */
export function notFound(message: string, hint?: string): CliError {
  return new CliError("CLI_NOT_FOUND", message, { exitCode: 3, ...(hint === undefined ? {} : { hint }) });
}

/** A destructive command without `--yes` where nobody can be asked. */
export function confirmationNeeded(message: string): CliError {
  return new CliError("CLI_CONFIRMATION_NEEDED", message, { exitCode: 4, hint: "Add --yes to confirm." });
}

/** The operator pressed Ctrl-C. */
export function interrupted(): CliError {
  return new CliError("CLI_INTERRUPTED", "interrupted", { exitCode: 130 });
}
