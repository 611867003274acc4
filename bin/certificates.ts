import { X509Certificate } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Certificate } from "../src/edge/port.ts";
import { PlatformError } from "../src/lib/platform-error.ts";
import { run } from "../src/lib/run.ts";

/**
 * The certificates in `<home>/certificates`: pairs of `<name>.crt` (PEM, leaf first) and `<name>.key`. An empty
 * folder gets a self-signed one for localhost.
 */
export async function loadCertificates(home: string): Promise<Certificate[]> {
  const folder = join(home, "certificates");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const present = pairs(folder);
  if (present.length > 0) return present;
  const made = await run([process.execPath, join(import.meta.dirname, "make-certificate.ts"), folder], {
    timeoutMs: 30_000,
  });
  if (made.exitCode !== 0)
    throw new PlatformError("CERTIFICATE_FAILED", "cannot make a self-signed certificate", {
      cause: made.stderr,
    });
  return pairs(folder);
}

function pairs(folder: string): Certificate[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".crt"))
    .sort()
    .map((name) => {
      const certificate = readFileSync(join(folder, name), "utf8");
      const key = readFileSync(join(folder, name.replace(/\.crt$/, ".key")), "utf8");
      return { hosts: namesOf(name, certificate), certificate, key };
    });
}

function namesOf(file: string, pem: string): string[] {
  const names = new X509Certificate(pem).subjectAltName?.split(", ") ?? [];
  const hosts = names.filter((name) => name.startsWith("DNS:")).map((name) => name.slice(4).toLowerCase());
  if (hosts.length === 0) {
    throw new PlatformError("CERTIFICATE_WITHOUT_NAMES", `certificate ${file} names no host`, {
      hint: "It needs a subjectAltName with the DNS names that it is for.",
    });
  }
  return hosts;
}
