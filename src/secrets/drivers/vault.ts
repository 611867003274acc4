import { readFileSync } from "node:fs";
import type { Clock } from "../../lib/clock.ts";
import { secretsError } from "../errors.ts";
import { maxSecretBytes, type SecretProvider } from "../port.ts";
import { parseVaultAddress } from "../reference.ts";

/** From the control plane's own settings. Credentials stand in files, read anew when they are needed. */
export type VaultSettings = {
  /** e.g. `https://vault.example.com:8200`. */
  address: string;
  namespace?: string;
  timeoutMs: number;
  login: { tokenFile: string } | { roleId: string; secretIdFile: string; mount: string };
};

/** An answer beyond this is not a secret's. */
const maxAnswerBytes = 4 * maxSecretBytes;
/** A token is not used in the last moments of its life. */
const tokenSpareMs = 10_000;

/** KV version 2 of HashiCorp Vault and OpenBao, over HTTP: `vault:<mount>/<path>#<key>`. */
export class VaultSecrets implements SecretProvider {
  readonly name = "vault";
  readonly #settings: VaultSettings;
  readonly #clock: Clock;
  #token: { value: string; until: number } | undefined;

  constructor(settings: VaultSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  async read(address: string, signal: AbortSignal): Promise<string> {
    const { mount, path, key } = parseVaultAddress(address);
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    const url = `/v1/${encodeURIComponent(mount)}/data/${encoded}`;
    let answer = await this.#ask(url, { token: await this.#login(signal) }, signal);
    if (answer.status === 403) {
      // The token may have been revoked before its time.
      this.#token = undefined;
      answer = await this.#ask(url, { token: await this.#login(signal) }, signal);
    }
    this.#refuse(answer.status, `vault:${address}`);
    const value = field(field(field(answer.body, "data"), "data"), key);
    if (typeof value !== "string")
      throw secretsError("SECRET_UNKNOWN", `vault:${address}: there is no text under that key`);
    if (Buffer.byteLength(value) > maxSecretBytes)
      throw secretsError("SECRET_TOO_LARGE", `vault:${address} is larger than ${maxSecretBytes} bytes`);
    return value;
  }

  async check(signal: AbortSignal): Promise<void> {
    const { status } = await this.#ask(
      "/v1/auth/token/lookup-self",
      { token: await this.#login(signal) },
      signal,
    );
    this.#refuse(status, "vault");
  }

  #refuse(status: number, what: string): void {
    if (status === 200) return;
    if (status === 404) throw secretsError("SECRET_UNKNOWN", `${what} does not exist`);
    if (status === 403 || status === 401 || status === 400)
      throw secretsError("SECRETS_DENIED", `${what}: Vault refuses this (${status})`);
    const sealed = status === 503 ? "Vault is sealed or in maintenance" : `Vault answers with ${status}`;
    throw secretsError("SECRETS_UNAVAILABLE", `${what}: ${sealed}`);
  }

  async #login(signal: AbortSignal): Promise<string> {
    const { login } = this.#settings;
    if ("tokenFile" in login) return credential(login.tokenFile);
    if (this.#token && this.#token.until > this.#clock.now()) return this.#token.value;
    const body = { role_id: login.roleId, secret_id: credential(login.secretIdFile) };
    const answer = await this.#ask(`/v1/auth/${encodeURIComponent(login.mount)}/login`, { body }, signal);
    this.#refuse(answer.status, "AppRole login");
    const auth = field(answer.body, "auth");
    const value = field(auth, "client_token");
    const seconds = field(auth, "lease_duration");
    if (typeof value !== "string")
      throw secretsError("SECRETS_UNAVAILABLE", "AppRole login: Vault's answer has no token");
    // A lease of 0 never ends: https://developer.hashicorp.com/vault/docs/concepts/tokens
    const leaseMs = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
    this.#token = { value, until: this.#clock.now() + leaseMs - tokenSpareMs };
    return value;
  }

  async #ask(
    path: string,
    { token, body }: { token?: string; body?: unknown },
    signal: AbortSignal,
  ): Promise<{ status: number; body: unknown }> {
    const { address, namespace, timeoutMs } = this.#settings;
    try {
      const response = await fetch(new URL(path, address), {
        method: body === undefined ? "GET" : "POST",
        // A credential is never sent on to where an answer points.
        redirect: "error",
        headers: {
          "x-vault-request": "true",
          ...(token === undefined ? {} : { "x-vault-token": token }),
          ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      return { status: response.status, body: parsed(await limitedText(response)) };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw secretsError("SECRETS_UNAVAILABLE", `Vault at ${new URL(address).host} does not answer`, {
        cause,
      });
    }
  }
}

async function limitedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > maxAnswerBytes) throw new Error("the answer is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's error page; its status says enough.
    return undefined;
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function credential(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw secretsError("SECRETS_NOT_CONFIGURED", `the credential file ${path} can't be read`, { cause });
  }
}
