import { PlatformError } from "../lib/platform-error.ts";

/** What each code of this folder means; the text is the default hint for the operator. */
const hints = {
  /** The image cannot be pulled, built or found under its digest. */
  RUNTIME_IMAGE_UNAVAILABLE: "Check the image name and that this host can reach its registry.",
  /** A build step ended with an error; its output went to `onLine`. */
  RUNTIME_BUILD_FAILED: "Read the build output above; the first error is usually the cause.",
  /** The replica was created but its program could not be started at all. */
  RUNTIME_START_FAILED: "Check the service's command and that its program exists in the image.",
  /** Something was asked of a replica that is not there. */
  RUNTIME_REPLICA_MISSING: "Run `roadstead ps` to see which replicas exist.",
  /** Something was asked that needs a running replica. */
  RUNTIME_REPLICA_NOT_RUNNING: "Start the service first, or read why it ended with `roadstead logs`.",
  /** A host port or address is in use by somebody else. */
  RUNTIME_PORT_TAKEN: "Stop the program that holds the port, or publish another one.",
  /** A volume, network or address cannot be created or removed. */
  RUNTIME_RESOURCE_FAILED: "Check free disk space and permissions of the runtime's data folder.",
  /** The stack wants what this driver cannot do. */
  RUNTIME_UNSUPPORTED: "Use `--runtime docker` for this stack.",
  /** The runtime itself does not answer. */
  RUNTIME_UNREACHABLE: "Check that the container engine runs and that this user may use it.",
} as const;

export type RuntimeErrorCode = keyof typeof hints;

/** A failure of a runtime driver; without a hint of its own it carries the code's. */
export function runtimeError(
  code: RuntimeErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
