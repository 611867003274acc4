import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  REGISTRY_UNREACHABLE: "Check the registry's address and that this host can reach it.",
  REGISTRY_DENIED: "Run `docker login` for the registry as the user of the control plane.",
  REGISTRY_BUSY: "The registry limits requests; it is asked again later.",
  REGISTRY_FAILED: "The registry itself is in trouble; it is asked again later.",
  REGISTRY_ANSWER_INVALID: "Is it an OCI distribution registry, without a web page in front of it?",
  REGISTRY_INSECURE: "Only loopback registries and those marked insecure are asked without TLS.",
  REGISTRY_ARCHIVE_INVALID:
    "Build again; if it stays, the engine writes a form of image archive that is not known here.",
  REGISTRY_TAG_TAKEN:
    "A version tag never moves: give this build another version, or push it under a name without one (e.g. latest).",
  REGISTRY_START_FAILED:
    "Install the distribution registry (Debian: apt-get install docker-registry), or leave out --registry.",
} as const;

export type RegistryErrorCode = keyof typeof hints;

/** A failure of a registry. Never holds a credential. */
export class RegistryError extends PlatformError {
  /** What the registry asks to wait for. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: RegistryErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(code, message, { hint: hints[code], cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
