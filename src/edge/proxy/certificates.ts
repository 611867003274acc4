import { createSecureContext, type SecureContext } from "node:tls";
import type { Certificate } from "../port.ts";

/**
 * TLS 1.2 and 1.3 only. Node offers TLS 1.3 only when its suites are named; all three belong to
 * `HIGH:!aNULL:!MD5:!3DES`, the string that decides for TLS 1.2.
 */
export const tlsOptions = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers:
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:HIGH:!aNULL:!MD5:!3DES",
  honorCipherOrder: true,
} as const;

/** Certificates by server name, replaced as a whole: handshakes from then on get the new ones. */
export class CertificateTable {
  readonly #exact = new Map<string, SecureContext>();
  readonly #wildcard = new Map<string, SecureContext>();
  readonly first: SecureContext | undefined;

  /** @throws when a certificate and its key do not belong together or cannot be read. */
  constructor(certificates: readonly Certificate[]) {
    for (const { certificate, key, hosts } of certificates) {
      const context = createSecureContext({ cert: certificate, key, ...tlsOptions });
      this.first ??= context;
      for (const host of hosts) {
        if (host.startsWith("*.")) this.#wildcard.set(host.slice(1).toLowerCase(), context);
        else this.#exact.set(host.toLowerCase(), context);
      }
    }
  }

  find(serverName: string): SecureContext | undefined {
    const name = serverName.toLowerCase();
    const dot = name.indexOf(".");
    return this.#exact.get(name) ?? (dot > 0 ? this.#wildcard.get(name.slice(dot)) : undefined) ?? this.first;
  }
}
