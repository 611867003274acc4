import type { Scope } from "../rollout/ids.ts";

/** Larger values are files, not variables. */
export const maxSecretBytes = 64 * 1024;

/**
 * Somewhere that values of secrets are read from when a release is made. Errors: `SECRET_UNKNOWN`, `SECRET_TOO_LARGE`,
 * `SECRET_REFERENCE_INVALID`, `SECRETS_UNAVAILABLE`, `SECRETS_DENIED`, `SECRETS_NOT_CONFIGURED`; no message holds a
 * value or a credential.
 */
export interface SecretProvider {
  /** What references to it begin with, e.g. `vault`. */
  readonly name: string;
  /** The value, whole and unchanged. Ends with the signal, and by itself after a time limit. */
  read(address: string, signal: AbortSignal): Promise<string>;
  /** Returns when it can be asked now; throws what is wrong otherwise. */
  check(signal: AbortSignal): Promise<void>;
}

/** The store of this installation: values of an environment by name and version, encrypted at rest. */
export interface OwnSecrets {
  /** Answers the version; the same value has the same version. Errors: `SECRET_TOO_LARGE`. */
  write(scope: Scope, name: string, value: string): string;
  /** Errors: `SECRET_UNKNOWN`. */
  read(scope: Scope, name: string, version: string): string;
}

/** All that an environment can take secrets from. */
export type SecretSources = { own: OwnSecrets; providers: () => readonly SecretProvider[] };
