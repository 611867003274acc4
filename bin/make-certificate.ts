import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/**
 * Writes a self-signed certificate for localhost into a folder: HTTPS works from the first minute, and browsers say
 * truthfully that nobody vouches for it. A program of its own, so that the library never stays in the control plane.
 */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: make-certificate.ts FOLDER");

const days = 825;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
const certificate = await x509.X509CertificateGenerator.createSelfSigned({
  name: "CN=localhost, O=Roadstead self-signed",
  notBefore: new Date(),
  notAfter: new Date(Date.now() + days * 86_400_000),
  signingAlgorithm: algorithm,
  keys,
  extensions: [
    new x509.SubjectAlternativeNameExtension([
      { type: "dns", value: "localhost" },
      { type: "dns", value: "*.localhost" },
      { type: "ip", value: "127.0.0.1" },
    ]),
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1"]),
  ],
});
const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
const pem = key.match(/.{1,64}/g)?.join("\n") ?? "";

mkdirSync(folder, { recursive: true, mode: 0o700 });
writeFileSync(
  join(folder, "self-signed.key"),
  `-----BEGIN PRIVATE KEY-----\n${pem}\n-----END PRIVATE KEY-----\n`,
  { mode: 0o600 },
);
writeFileSync(join(folder, "self-signed.crt"), `${certificate.toString("pem")}\n`, { mode: 0o644 });
