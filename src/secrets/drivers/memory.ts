import { type Scope, scopeKey } from "../../rollout/ids.ts";
import { secretsError } from "../errors.ts";
import { maxSecretBytes, type OwnSecrets, type SecretProvider } from "../port.ts";

/** A provider for tests: values by address, and a switch that takes it down. */
export class MemorySecrets implements SecretProvider {
  readonly name: string;
  readonly values = new Map<string, string>();
  isDown = false;
  reads = 0;

  constructor(name = "memory") {
    this.name = name;
  }

  async read(address: string, signal: AbortSignal): Promise<string> {
    this.reads += 1;
    signal.throwIfAborted();
    await this.check(signal);
    const value = this.values.get(address);
    if (value === undefined) throw secretsError("SECRET_UNKNOWN", `${this.name} does not know ${address}`);
    if (Buffer.byteLength(value) > maxSecretBytes)
      throw secretsError("SECRET_TOO_LARGE", `${this.name}:${address} is too large`);
    return value;
  }

  async check(_signal: AbortSignal): Promise<void> {
    if (this.isDown) throw secretsError("SECRETS_UNAVAILABLE", `${this.name} does not answer`);
  }
}

/** An own store for tests; versions count up. */
export class MemoryOwnSecrets implements OwnSecrets {
  readonly #values = new Map<string, string[]>();

  write(scope: Scope, name: string, value: string): string {
    if (Buffer.byteLength(value) > maxSecretBytes)
      throw secretsError("SECRET_TOO_LARGE", `the value of ${name} is too large`);
    const key = `${scopeKey(scope)} ${name}`;
    const versions = this.#values.get(key) ?? [];
    if (!versions.includes(value)) this.#values.set(key, [...versions, value]);
    return String((this.#values.get(key) ?? []).indexOf(value) + 1);
  }

  read(scope: Scope, name: string, version: string): string {
    const value = this.#values.get(`${scopeKey(scope)} ${name}`)?.[Number(version) - 1];
    if (value === undefined)
      throw secretsError("SECRET_UNKNOWN", `there is no version ${version} of ${name}`);
    return value;
  }
}
