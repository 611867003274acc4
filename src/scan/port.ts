import type { FileFinding, SecretFinding, VulnerabilityFinding } from "../policy/scan-findings.ts";

/** Looks for what must not be there: in the files of a commit, and in every layer of an image. Decides nothing. */
export interface ContentScanner {
  readonly name: string;
  /** Every file of a folder, `.git` and installed dependencies left out. */
  scanFolder(folder: string, signal: AbortSignal): Promise<FolderReport>;
  /** Reads an image archive as `docker save` writes it, piece by piece: never a whole layer in memory. */
  scanImage(image: string, archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ImageReport>;
}

export type FolderReport = {
  findings: readonly SecretFinding[];
  files: number;
  /** What could not be looked at, for people; empty: everything was. */
  gaps: readonly string[];
};

export type ImageReport = {
  findings: readonly (SecretFinding | FileFinding)[];
  /** Of all its layers, unpacked. */
  bytes: number;
  gaps: readonly string[];
};

/** Knows the published vulnerabilities of what an image has installed. */
export interface VulnerabilityScanner {
  readonly name: string;
  /** Undefined when the program is not on this host. */
  version(signal: AbortSignal): Promise<string | undefined>;
  scan(
    image: string,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<VulnerabilityFinding[]>;
}
