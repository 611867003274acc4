import type { Scope } from "../../rollout/ids.ts";
import type { SecretStore } from "../../store/port.ts";
import { secretsError } from "../errors.ts";
import { maxSecretBytes, type OwnSecrets } from "../port.ts";

/** Kept apart from the contents of Compose secrets: no Compose name has a colon. */
const prefix = "variable:";

/** Values in the store's encrypted contents (AES-256-GCM, key outside the database). */
export class BuiltinSecrets implements OwnSecrets {
  readonly #store: SecretStore;

  constructor(store: SecretStore) {
    this.#store = store;
  }

  write(scope: Scope, name: string, value: string): string {
    const content = Buffer.from(value);
    if (content.length > maxSecretBytes)
      throw secretsError("SECRET_TOO_LARGE", `the value of ${name} is too large`);
    return this.#store.put(scope, `${prefix}${name}`, content);
  }

  read(scope: Scope, name: string, version: string): string {
    const content = this.#store.get(scope, `${prefix}${name}`, version);
    if (content === undefined)
      throw secretsError("SECRET_UNKNOWN", `there is no version ${version} of ${name}`);
    return Buffer.from(content).toString();
  }
}
