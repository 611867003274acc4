import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import { sha256 } from "../../../lib/hash.ts";
import type { Certificate } from "../../port.ts";
import type { Layout } from "./layout.ts";
import type { Send } from "./map-changes.ts";

/** A certificate as HAProxy has it: one file, named after its hosts, and what the list says about it. */
export type CertificateFile = { file: string; hosts: readonly string[]; pem: string; digest: string };

/** HAProxy takes a payload of at most its buffer; a longer chain needs a reload. */
const longestPayload = 15_000;

export function certificateFiles(certificates: readonly Certificate[], layout: Layout): CertificateFile[] {
  return certificates.map(({ hosts, certificate, key }) => {
    // An empty line would end the payload of a command.
    const pem = `${certificate.trim()}\n${key.trim()}\n`.replace(/\r/g, "").replace(/\n{2,}/g, "\n");
    const name = sha256([...hosts].sort().join(" ")).slice(0, 16);
    return { file: join(layout.certificates, `${name}.pem`), hosts, pem, digest: sha256(pem) };
  });
}

/** The crt-list: the first is served to clients that name no host. */
export function certificateList(files: readonly CertificateFile[]): string {
  return files.map(({ file, hosts }) => `${file} ${hosts.join(" ")}\n`).join("");
}

/** Puts certificates and their list on disk; forgotten ones go. */
export async function writeCertificates(files: readonly CertificateFile[], layout: Layout): Promise<void> {
  await mkdir(layout.certificates, { recursive: true, mode: 0o700 });
  for (const { file, pem } of files) await writeFileAtomic(file, pem);
  await writeFileAtomic(layout.certificateList, certificateList(files));
  const wanted = new Set(files.map(({ file }) => file));
  for (const name of await readdir(layout.certificates)) {
    const file = join(layout.certificates, name);
    if (!wanted.has(file)) await rm(file, { force: true });
  }
}

/** Digests by file: what was in force. */
export type KnownCertificates = Readonly<Record<string, string>>;

export function knownOf(files: readonly CertificateFile[]): KnownCertificates {
  return Object.fromEntries(files.map(({ file, digest }) => [file, digest]));
}

/** Swaps, adds and removes certificates at run time. False: HAProxy could not, and a reload has to. */
export async function changeCertificates(
  send: Send,
  change: { layout: Layout; known: KnownCertificates; files: readonly CertificateFile[] },
): Promise<boolean> {
  const { layout, known, files } = change;
  for (const { file, hosts, pem, digest } of files) {
    if (known[file] === digest) continue;
    if (pem.length > longestPayload) return false;
    const fresh = known[file] === undefined;
    if (fresh && !/New empty certificate store/.test(await send(`new ssl cert ${file}`))) return false;
    if (!/Transaction (created|updated)/.test(await send(`set ssl cert ${file} <<\n${pem}`))) return false;
    if (!/Success!/.test(await send(`commit ssl cert ${file}`))) return false;
    if (!fresh) continue;
    const added = await send(`add ssl crt-list ${layout.certificateList} <<\n${file} ${hosts.join(" ")}\n`);
    if (!/Success!/.test(added)) return false;
  }
  const wanted = new Set(files.map(({ file }) => file));
  for (const file of Object.keys(known)) {
    if (wanted.has(file)) continue;
    if (!/deleted/.test(await send(`del ssl crt-list ${layout.certificateList} ${file}`))) return false;
    if (!/deleted/.test(await send(`del ssl cert ${file}`))) return false;
  }
  return true;
}
